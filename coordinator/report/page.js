// Draws every figure with the page's own colours, again when they change between light and dark.
"use strict";
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const places = [...document.querySelectorAll(".drawing")];
  const specs = places.map((place) => place.querySelector("script").textContent);

  // "--best" in a figure is the value of that variable of the style sheet.
  const read = (text, colours) => JSON.parse(text, (_, value) =>
    typeof value === "string" && value.startsWith("--")
      ? colours.getPropertyValue(value).trim() : value);

  const axis = (given, colour) => ({
    automargin: true, zeroline: false, ...given,
    gridcolor: colour("--rule"), linecolor: colour("--rule"), tickcolor: colour("--rule"),
  });

  const layoutOf = (given, colour) => ({
    margin: { t: 16, r: 16, b: 48, l: 56 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    hovermode: "closest",
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    ...given,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--text") },
    xaxis: axis(given.xaxis, colour),
    yaxis: axis(given.yaxis, colour),
  });

  const draw = (place, text) => {
    const colours = getComputedStyle(document.documentElement);
    const { data, layout } = read(text, colours);
    const colour = (name) => colours.getPropertyValue(name).trim();
    const options = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    return Plotly.react(place, data, layoutOf(layout, colour), options);
  };

  const waiting = new Map();

  // One after the other, so that what is above can be read while the rest is drawn.
  const drawAll = async () => {
    places.forEach((place, index) => waiting.set(place, specs[index]));
    while (waiting.size) {
      const [[place, text]] = waiting;
      waiting.delete(place);
      await draw(place, text);
      await new Promise((next) => setTimeout(next));
    }
    document.body.dataset.drawn = "yes";
  };
  drawAll();
  dark.addEventListener("change", drawAll);

  // Paper does not wait: Plotly has drawn when it returns.
  addEventListener("beforeprint", () => {
    for (const [place, text] of waiting) draw(place, text);
    waiting.clear();
  });
}
