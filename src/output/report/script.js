// The numbers under the pointer; the page is complete without it.
(() => {
  const box = document.querySelector(".charts"), tip = document.getElementById("tip");
  if (!box || !tip) return;
  const data = JSON.parse(document.getElementById("curves").textContent);
  const charts = [...box.querySelectorAll("svg[data-chart]")];
  const hide = () => {
    tip.style.display = "none";
    box.querySelectorAll(".cross").forEach((line) => (line.style.visibility = "hidden"));
  };
  const number = (value, unit) => {
    if (value === null) return "–";
    const digits = (n) => (Math.abs(n) >= 100 ? n.toFixed(0) : Number(n.toPrecision(3)).toString());
    if (unit === "share") return digits(value * 100) + "%";
    if (unit === "ms") return value >= 1000 ? digits(value / 1000) + "s" : value < 1 ? digits(value * 1000) + "µs" : digits(value) + "ms";
    return digits(value) + (unit ? " " + unit : "");
  };
  box.addEventListener("pointermove", (event) => {
    const svg = event.target.closest("svg[data-chart]");
    if (!svg) return hide();
    const frame = svg.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * data.width;
    const seconds = ((x - data.left) / data.plot) * data.seconds;
    const place = Math.floor(seconds / data.step);
    if (place < 0 || place >= data.steps) return hide();
    const at = data.left + (((place + 0.5) * data.step) / data.seconds) * data.plot;
    charts.forEach((one) => {
      const line = one.querySelector(".cross");
      line.setAttribute("x1", at);
      line.setAttribute("x2", at);
      line.style.visibility = "visible";
    });
    const lines = data.columns.map((column) => column.name + "  " + number(column.values[place], column.unit));
    tip.textContent = Math.round(place * data.step) + "s\n" + lines.join("\n");
    tip.style.display = "block";
    const outer = box.getBoundingClientRect();
    const left = event.clientX - outer.left + 16;
    tip.style.left = Math.min(left, outer.width - tip.offsetWidth - 8) + "px";
    tip.style.top = event.clientY - outer.top + 16 + "px";
  });
  box.addEventListener("pointerleave", hide);
})();
