// 已知悉 on a page: one POST for each button, with the page's own token. It refuses to look marked before the server says so.

const form = document.getElementById("mark");

for (const button of document.querySelectorAll("button.known")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    const body = new FormData(form);
    body.set("id", button.dataset.id);
    let why = form.dataset.failed;
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (answer.ok) {
        button.textContent = `✓ ${form.dataset.known}`;
        button.classList.add("done");
        return;
      }
      why = (await answer.json()).error || why;
    } catch {
      button.disabled = false; // no contact: nothing was marked, and it may be tried again
    }
    button.textContent = why;
  });
}
