// Moves marks of a map from where they were: old and fresh are elements with [data-key] groups in them.
function glide(old, fresh, milliseconds) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const before = new Map([...old.querySelectorAll("[data-key]")].map((mark) => [mark.dataset.key, mark.getAttribute("transform")]));
  const css = (text) => text.replace(/translate\((\S+) (\S+)\)/, "translate($1px, $2px)");
  for (const mark of fresh.querySelectorAll("[data-key]")) {
    const [from, to] = [before.get(mark.dataset.key), mark.getAttribute("transform")];
    if (from && from !== to) mark.animate([{ transform: css(from) }, { transform: css(to) }], milliseconds);
  }
}
