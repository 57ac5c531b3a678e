(() => {
  "use strict";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const two = (number) => String(number).padStart(2, "0");
  const local = (seconds) => {
    const time = new Date(seconds * 1000);
    const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
    return date + " " + [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  };
  const times = Array.from(document.querySelectorAll("[data-t]"), (element) => {
    const [start, end] = element.dataset.f.split(" ").map(Number);
    return { element, utc: element.textContent, local: local(Number(element.dataset.t)).slice(start, end) };
  });
  if (times.every((time) => time.utc === time.local)) return;
  const period = document.querySelectorAll(".period [data-t]");
  if (period.length === 2) {
    const [first, last] = Array.from(period, (element) => local(Number(element.dataset.t)).slice(0, 16));
    document.getElementById("local-period").textContent = first + " to " + last + " " + zone;
  }
  const button = document.getElementById("zone");
  let isLocal = false;
  const show = () => {
    for (const time of times) {
      if (!time.element.closest(".period")) time.element.textContent = isLocal ? time.local : time.utc;
    }
    for (const name of document.querySelectorAll(".zone-name")) name.textContent = isLocal ? zone : "UTC";
    button.textContent = isLocal ? "Show UTC" : "Show local times";
  };
  button.addEventListener("click", () => {
    isLocal = !isLocal;
    show();
  });
  button.hidden = false;
  show();
})();
