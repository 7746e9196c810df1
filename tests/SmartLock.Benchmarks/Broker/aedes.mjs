// The npm package "aedes" as a broker on loopback: node aedes.mjs <folder node_modules> <port>.
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, port] = process.argv.slice(2)
const entry = createRequire(join(folder, 'any.js')).resolve('aedes')
const { Aedes } = await import(pathToFileURL(entry))
const broker = await Aedes.createBroker()
createServer({ noDelay: true }, broker.handle).listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 })

// The parent closes our input when it is done, however it ends.
process.stdin.on('end', () => process.exit(0)).resume()
