// The body of a function: texts that stand out too little from their ground, with their contrast.
const parts = (colour) => {
  const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
  return colour.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
};
const light = (rgb) => rgb.slice(0, 3).map((one) => one / 255)
  .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
  .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
const over = (top, under) => top.slice(0, 3).map((one, at) => one * top[3] + under[at] * (1 - top[3]));
const ground = (element) => {
  const colours = [];
  for (let one = element; one; one = one.parentElement ?? one.getRootNode().host) colours.push(parts(getComputedStyle(one).backgroundColor));
  return colours.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
const faint = [];
const all = [...document.querySelectorAll("body *")]
  .flatMap((one) => [one, ...(one.shadowRoot?.querySelectorAll("*:not(style)") ?? [])]);
for (const element of all) {
  const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()).join("");
  if (!text || !element.checkVisibility({ visibilityProperty: true }) || element.closest("[disabled], .hidden, .skip, svg")) continue;
  const look = getComputedStyle(element);
  const under = ground(element);
  const [a, b] = [light(over(parts(look.color), under)), light(under)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const large = parseFloat(look.fontSize) >= 24 || (parseFloat(look.fontSize) >= 18.66 && look.fontWeight >= 700);
  if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text.slice(0, 30)}`);
}
return faint;
