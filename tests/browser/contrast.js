// The lowest contrast between a text and what is behind it, by WCAG's formula, and the text that has it.
() => {
  const read = new Map();
  const numbers = (colour) => { // whatever the spelling: the browser itself paints it
    if (!read.has(colour)) {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      read.set(colour, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return read.get(colour);
  };
  const luminance = (colour) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = numbers(colour).map((v) => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const known = new Map();
  let worst = [21, ""];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("svg, script, .vh, .skip") || !element.checkVisibility()) continue;
    const pair = [getComputedStyle(element).color, behind(element)];
    if (!known.has(pair.join())) {
      const [light, dark] = pair.map(luminance).sort((a, b) => b - a);
      known.set(pair.join(), (light + .05) / (dark + .05));
    }
    if (known.get(pair.join()) < worst[0]) worst = [known.get(pair.join()), `${element.outerHTML.slice(0, 90)} ${pair}`];
  }
  return worst;
}
