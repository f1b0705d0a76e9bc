"""An account on the server that is measured, for loads that need one: made on first use, signed into after that."""

import httpx

from .client import ClientError

USERNAME, PASSWORD = "bench", "correct horse battery"  # of a server on loopback, with a data directory of its own


async def api_key(http: httpx.AsyncClient, username: str) -> str:
    """Of a new account, on a server where anybody may register."""
    body = {"username": username, "password": PASSWORD, "cookie": False}
    answer = await http.post("/api/auth/register", json=body)
    if answer.is_success:
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        answer = await http.post("/api/keys", json={"name": "bench"}, headers=headers)
    if not answer.is_success:
        raise ClientError(answer.status_code, answer.text)
    return str(answer.json()["key"])


async def sign_in(http: httpx.AsyncClient) -> None:
    """From now on `http` sends the token."""
    body = {"username": USERNAME, "password": PASSWORD, "cookie": False}
    answer = await http.post("/api/auth/login", json=body)
    if answer.status_code == 401:
        answer = await http.post("/api/auth/register", json=body)
    if not answer.is_success:
        raise ClientError(answer.status_code, answer.text)
    http.headers["authorization"] = f"Bearer {answer.json()['token']}"
