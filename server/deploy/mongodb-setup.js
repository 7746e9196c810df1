// For mongosh, on MongoDB's own machine: makes the replica set, an administrator and the server's user. May be run again: it gives the
// server's user the password that is in the file by then.
const fs = require('fs');
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, 'utf8').trim();
const admin = new Mongo('mongodb://127.0.0.1:27017/?directConnection=true').getDB('admin');

if (!admin.hello().setName) {
  admin.runCommand({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: 'mongodb:27017' }] } });
}
for (let tries = 60; !admin.hello().isWritablePrimary; tries -= 1) {
  if (tries === 0) {
    throw new Error('The replica set has no primary after a minute.');
  }
  sleep(1000);
}

const administrator = { user: 'admin', pwd: secret('mongodb_admin_password') };
try {
  admin.auth(administrator);
} catch (e) {
  // MongoDB lets this be done without a login while there is no user at all; else it is refused, and this script ends with that.
  admin.createUser({ ...administrator, roles: ['root'] });
  admin.auth(administrator);
}

const password = secret('mongodb_password');
const roles = [{ role: 'readWrite', db: 'smartlock' }];
if (admin.getUser('smartlock')) {
  admin.updateUser('smartlock', { pwd: password, roles });
} else {
  admin.createUser({ user: 'smartlock', pwd: password, roles });
}
print('MongoDB is set up.');
