// What the desk asks the server. An answer is {ok, status, body}; nothing throws, a lost line is status 0.

export async function ask(path, options = {}) {
  try {
    const answer = await fetch(path, {cache: "no-store", ...options});
    if (answer.status === 401) location.reload(); // the session ended: the gate sends to the login
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    return {ok: answer.ok, status: answer.status, body: isJson ? await answer.json() : null};
  } catch (error) {
    return {ok: false, status: 0, body: null, aborted: error.name === "AbortError"};
  }
}

// One key for a press: repeating it, or a retry, does the deed once.
export function send(path, body = {}, method = "POST") {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return ask(`/api/v1${path}`, {method, headers: {"Idempotency-Key": key, "Content-Type": "application/json"}, body: JSON.stringify(body)});
}
