"""The first system's read of a lock, on its own packages: Flask, Flask-JWT-Extended (HS256).

GET /locks/<device_id>/status checks the token and answers with the lock; GET /locks with all of the caller's. What that system asked
MongoDB for is in a dict here, so a call costs it less than it did. It kept no sessions, limited no rates and set no security headers.
"""
import logging
import os
import secrets
import sys
import time

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required

OWNER = "bench"
SILENT_AFTER = 35

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = secrets.token_hex(32)
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = False
JWTManager(app)

locks = {
    f"BENCH-{i}": {
        "_id": f"BENCH-{i}",
        "name": f"BENCH-{i}",
        "owner": OWNER,
        "status": "Locked",
        "state": "Available",
        "last_seen": time.time() + 86400,
        "issue": None,
    }
    for i in range(50)
}


@app.get("/locks/<device_id>/status")
@jwt_required()
def lock_status(device_id):
    lock = locks.get(device_id)
    if lock is None or lock["owner"] != get_jwt_identity():
        return jsonify({"error": "Lock not found"}), 404
    heard = time.time() - lock["last_seen"] < SILENT_AFTER
    return jsonify(
        {
            "device_id": lock["_id"],
            "connection_status": "Available" if heard else "Unavailable",
            "device_status": lock["status"],
            "device_state": lock["state"],
            "issue": lock["issue"],
        }
    )


@app.get("/locks")
@jwt_required()
def list_locks():
    owner = get_jwt_identity()
    return jsonify([lock for lock in locks.values() if lock["owner"] == owner])


@app.get("/health/live")
def live():
    return "Healthy"


# For the benchmark: a token to ask with, and which process's time counts (gunicorn answers from a worker of its own).
@app.get("/token")
def token():
    return create_access_token(identity=OWNER)


@app.get("/pid")
def pid():
    return str(os.getpid())


if __name__ == "__main__":
    # Its own server logs every request to the terminal; that is left out here.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.run(host="127.0.0.1", port=int(sys.argv[1]), threaded=True)
