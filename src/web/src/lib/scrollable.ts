// Something that scrolls can be scrolled from the keyboard: it is a stop of the Tab key while, and only while, there
// is more of it than can be seen.

export function scrollable(node: HTMLElement): () => void {
  const usual = node.getAttribute("tabindex");
  const look = () => {
    const more = node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
    if (more) node.tabIndex = 0;
    else if (usual === null) node.removeAttribute("tabindex");
    else node.setAttribute("tabindex", usual);
  };
  const sizes = new ResizeObserver(look);
  sizes.observe(node);
  const inside = new MutationObserver(() => {
    sizes.disconnect();
    sizes.observe(node);
    if (node.firstElementChild) sizes.observe(node.firstElementChild);
    look();
  });
  inside.observe(node, { childList: true });
  if (node.firstElementChild) sizes.observe(node.firstElementChild);
  return () => {
    sizes.disconnect();
    inside.disconnect();
  };
}
