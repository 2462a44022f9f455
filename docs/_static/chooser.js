// The chooser: shows the rule that fits the three answers. All data are in the page, so it works without a network.
(function () {
  const root = document.getElementById("chooser");
  const rules = JSON.parse(document.getElementById("chooser-rules").textContent);
  const answer = root.querySelector(".answer");

  function element(name, text) {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  function show() {
    const chosen = {};
    root.querySelectorAll("input:checked").forEach((box) => (chosen[box.name] = box.value));
    const rule = rules.find((one) => Object.keys(chosen).every((name) => one[name].includes(chosen[name])));
    answer.replaceChildren();
    answer.append(element("h3", rule.title));
    const code = element("pre", rule.code.join("\n"));
    code.tabIndex = 0;
    answer.append(code);
    answer.append(element("p", rule.why));
    const rival = element("p", "");
    rival.append(element("strong", "The rival: "), rule.rival);
    answer.append(rival);
    const figures = element("p", "");
    figures.append(element("strong", "Figures: "));
    if (!rule.reports.length) figures.append("none of ours.");
    rule.reports.forEach((name, i) => {
      const link = element("a", name);
      link.href = "reports/" + name + ".html";
      figures.append(i ? ", " : "", link);
    });
    answer.append(figures);
  }

  root.addEventListener("change", show);
  root.hidden = false;
  show();
})();
