for (const block of document.querySelectorAll("pre[data-copy]")) {
  const box = document.createElement("div"), button = document.createElement("button");
  box.className = "copyable";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${block.dataset.copy}`);
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(block);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.before(box);
  box.append(block, button);
}
