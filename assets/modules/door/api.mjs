// What the pages of accounts and audit ask the server. A refusal is an Error with the server's words.

export async function ask(path, method = "GET", body = undefined) {
  let answer;
  const options = {method, cache: "no-store"};
  if (body !== undefined) Object.assign(options, {headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  try {
    answer = await fetch(`/api/v1${path}`, options);
  } catch (error) {
    throw Object.assign(new Error("away"), {cause: error, code: "away"});
  }
  if (answer.status === 401) location.reload(); // the session ended: the gate sends to the login
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(found.detail ?? String(answer.status)), {status: answer.status});
  return found;
}
