// What a device asks of a page of MiniWoB++: its tree of elements, whether it is still, what is typed into it.
// Lists open a picker of the system, as on a phone: a menu of the desktop's browser is no part of the page.
// It is a function of the part of the window that the display shows: left, top, right, bottom.
(VIEW) => {
  "use strict";
  const TOUCHED = new Set(["click", "mousedown", "mouseup", "pointerdown", "pointerup", "touchstart", "touchend"]);
  const OUTSIDE = new Set(["query", "reward-display", "sync-task-cover", "click-canvas"]);  // no part of the task
  const SILENT = new Set(["SCRIPT", "STYLE", "TITLE", "HEAD", "TEMPLATE", "OPTION", "DEFS", "LINK", "META", "BR"]);
  const SHAPES = new Set(["rect", "circle", "ellipse", "polygon", "polyline", "path", "line"]);
  const BUTTONS = new Set(["button", "submit", "reset", "image"]);
  const NOT_TYPED = new Set([...BUTTONS, "checkbox", "radio", "range", "color", "file", "hidden"]);
  const SMALL = 2;  // pixels below which nothing is seen or touched
  const NAMES = 2;  // classes that are told of an element without a name
  const LARGE = 0.4;  // share of the display above which an element holds others
  const INHERENT = new Set(["A", "BUTTON", "SELECT", "SUMMARY", "INPUT", "TEXTAREA"]);
  const COLOURS = {
    black: [0, 0, 0], white: [255, 255, 255], red: [255, 0, 0], green: [0, 128, 0], blue: [0, 0, 255],
    yellow: [255, 255, 0], cyan: [0, 255, 255], magenta: [255, 0, 255], grey: [128, 128, 128], lime: [0, 255, 0],
    olive: [128, 128, 0], purple: [128, 0, 128], orange: [255, 165, 0], pink: [255, 192, 203],
    brown: [165, 42, 42], navy: [0, 0, 128], silver: [192, 192, 192], maroon: [128, 0, 0], teal: [0, 128, 128],
    gold: [255, 215, 0],
  };
  const listened = new WeakSet();
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (kind, ...rest) {
    if (TOUCHED.has(kind) && this instanceof Element) listened.add(this);
    return add.call(this, kind, ...rest);
  };
  let changed = 0;
  const watch = () => new MutationObserver((all) => {
    if (all.some((each) => !outside(each.target))) changed = performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  watch();
  // A cursor that blinks would make two pictures of one page.
  add.call(document, "DOMContentLoaded", () => {
    const style = document.createElement("style");
    style.textContent = "* { caret-color: transparent !important; }";
    document.head.append(style);
  });

  const element = (node) => (node instanceof Element ? node : node.parentElement);
  const outside = (node) => {
    const found = element(node);
    return !found || [...OUTSIDE].some((each) => each !== "query" && found.closest("#" + each));
  };
  const words = (text) => (text || "").replace(/\s+/g, " ").trim();
  const upper = (each) => each.tagName.toUpperCase();
  const isField = (each) => each.isContentEditable || upper(each) === "TEXTAREA"
    || (upper(each) === "INPUT" && !NOT_TYPED.has(each.type));
  const isCheck = (each) => upper(each) === "INPUT" && (each.type === "checkbox" || each.type === "radio");

  function clickable(each, style) {
    if (upper(each) === "LABEL" && each.control) return true;
    if (INHERENT.has(upper(each))) return true;
    if (each === document.body || each === document.documentElement) return false;
    if (listened.has(each) || each.onclick || each.onmousedown || each.onmouseup) return true;
    const role = each.getAttribute("role");
    if (["button", "link", "tab", "option", "menuitem", "checkbox", "switch"].includes(role)) return true;
    return style.cursor === "pointer" && getComputedStyle(each.parentElement).cursor !== "pointer" || delegated(each);
  }

  function delegated(each) {
    if (!window.jQuery || !jQuery._data) return false;
    for (let above = each.parentElement; above; above = above.parentElement) {
      const events = jQuery._data(above, "events") || {};
      for (const kind of ["click", "mousedown", "mouseup"]) {
        for (const one of events[kind] || []) if (one.selector && each.matches(one.selector)) return true;
      }
    }
    return false;
  }

  function colour(text) {
    const found = /rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)/.exec(text || "");
    if (!found || found[4] === "0") return "";
    const rgb = [1, 2, 3].map((n) => +found[n]);
    const far = (name) => COLOURS[name].reduce((sum, value, n) => sum + (value - rgb[n]) ** 2, 0);
    return Object.keys(COLOURS).reduce((best, name) => (far(name) < far(best) ? name : best));
  }

  const file = (url) => ((/([^/]+?)(?:-hover|-clicked)?\.(?:png|gif|jpe?g|svg)/.exec(url || "") || [])[1] || "");

  function description(each, style, bare) {
    const given = each.getAttribute("aria-label") || each.getAttribute("alt") || each.getAttribute("title");
    if (given) return words(given);
    if (each.labels && each.labels.length && !each.closest("label")) return words(each.labels[0].textContent);
    const icon = file(style.content) || (upper(each) === "IMG" && file(each.src)) || "";
    if (each.ownerSVGElement && upper(each) === "TEXT") return colour(style.fill);
    if (icon || !bare) return icon;
    if (SHAPES.has(each.tagName)) {
      const filled = colour(style.fill);
      return words(`${filled && style.fill !== "none" ? filled : colour(style.stroke)} ${each.tagName}`);
    }
    return colour(style.backgroundColor);
  }

  function kind(each) {
    if (isField(each)) return "EditText";
    if (isCheck(each)) return each.type === "checkbox" ? "CheckBox" : "RadioButton";
    const name = upper(each);
    if (name === "BUTTON" || (name === "INPUT" && BUTTONS.has(each.type))) return "Button";
    if (name === "SELECT") return "Spinner";
    if (name === "IMG" || SHAPES.has(each.tagName) || name === "CANVAS") return "ImageView";
    return each.getAttribute("role") === "tab" ? "Button" : "View";
  }

  function written(each) {
    if (each.isContentEditable) return each.innerText;
    if (isField(each)) return each.type === "password" ? "\u2022".repeat(each.value.length) : each.value;
    if (upper(each) === "SELECT") return [...each.selectedOptions].map((one) => words(one.textContent)).join(", ");
    if (upper(each) === "INPUT" && BUTTONS.has(each.type)) return each.value;
    return "";
  }

  const meet = (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  const some = (box) => box[2] - box[0] >= SMALL && box[3] - box[1] >= SMALL;
  const box = (rect) => [rect.left, rect.top, rect.right, rect.bottom];

  function covered(each, seen) {
    if (each.ownerSVGElement || upper(each) === "SVG") return false;
    const hit = document.elementFromPoint((seen[0] + seen[2]) / 2, (seen[1] + seen[3]) / 2);
    return !!hit && !each.contains(hit) && !hit.contains(each) && !(each.labels && [...each.labels].some((one) => one.contains(hit)));
  }

  // Of what is broken into lines, the longest line: its middle is on it.
  function place(each, style) {
    const lines = style.display === "inline" ? [...each.getClientRects()] : [];
    if (lines.length < 2) return box(each.getBoundingClientRect());
    return box(lines.reduce((best, line) => (line.width > best.width ? line : best)));
  }

  function texts(each, clip) {
    const found = [];
    for (const node of each.childNodes) {
      const text = node.nodeType === Node.TEXT_NODE ? words(node.data) : "";
      if (!text) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const seen = meet(clip, box(range.getBoundingClientRect()));
      if (some(seen)) found.push({ kind: "TextView", text, box: seen, children: [] });
    }
    return found;
  }

  // Whether an element with something in it is touched as a whole: it is no page, and nothing in it is touched by itself.
  function single(each, seen, inside) {
    if (!inside.length) return true;
    const share = (seen[2] - seen[0]) * (seen[3] - seen[1]) / (VIEW[2] * VIEW[3]);
    return upper(each) !== "SVG" && share <= LARGE && !inside.some(touchable);
  }

  // A row with buttons in it is touched at its texts.
  function row(each, style, seen, inside) {
    const share = (seen[2] - seen[0]) * (seen[3] - seen[1]) / (VIEW[2] * VIEW[3]);
    if (share > LARGE || !inside.some(touchable) || !clickable(each, style)) return;
    for (const made of inside) if (made.kind === "TextView") made.clickable = true;
  }

  const touchable = (made) => made.clickable || made.children.some(touchable);

  function checkOf(label) {
    const found = upper(label) === "LABEL" ? label.querySelectorAll("input") : [];
    return found.length === 1 && isCheck(found[0]) ? found[0] : null;
  }

  // The element and all in it that is seen; null if nothing is.
  function node(each, clip) {
    if (OUTSIDE.has(each.id) || SILENT.has(upper(each)) || each.type === "hidden") return [];
    const style = getComputedStyle(each);
    if (style.display === "none" || +style.opacity === 0) return [];
    const own = place(each, style);
    const inner = style.overflowX === "visible" && style.overflowY === "visible" ? clip : meet(clip, own);
    const seen = meet(clip, own);
    const check = checkOf(each);
    if (check) return some(seen) && !covered(each, seen) ? [checked(check, each, seen)] : [];
    const leaf = isField(each) || upper(each) === "SELECT";
    const inside = leaf || !some(inner) && inner !== clip ? [] : [
      ...texts(each, inner), ...[...each.children].flatMap((child) => node(child, inner)),
    ].sort((a, b) => a.box[1] - b.box[1] || a.box[0] - b.box[0]);
    if (!some(seen) || style.visibility === "hidden") return inside;
    const touch = clickable(each, style) && (INHERENT.has(upper(each)) || single(each, seen, inside));
    if (!touch) row(each, style, seen, inside);
    const scrolls = upper(each) !== "SELECT" && /auto|scroll/.test(style.overflowY) && each.scrollHeight > each.clientHeight + 1;
    const only = inside.length === 1 && !inside[0].children.length && inside[0].kind === "TextView" && !inside[0].clickable;
    const text = written(each) || (only && (touch || kind(each) !== "View") ? inside[0].text : "");
    const told = description(each, style, !inside.length && !text && !leaf);
    const plain = !touch && !scrolls && !text && !leaf && !isCheck(each);
    const joined = upper(each) === "TR" && inside.length > 1;  // what stands in one belongs together
    if (plain && !joined && (inside.length || !told)) return inside;
    if (!inside.length && covered(each, seen)) return [];
    return [{
      kind: kind(each), text, description: told === text ? "" : told, name: named(each, joined),
      box: seen, clickable: touch, checkable: isCheck(each), checked: !!each.checked, enabled: !each.disabled,
      focused: document.activeElement === each && each !== document.body, scrollable: scrolls,
      password: each.type === "password", hint: words(each.placeholder), children: text && only ? [] : inside,
    }];
  }

  // What a page calls an element: Android's names of resources are those of the page.
  function named(each, joined) {
    const classes = words(each.getAttribute("class")).split(" ").slice(0, NAMES).join(" ");
    const own = each.id || each.getAttribute("name") || classes;
    return own || (joined ? "row" : upper(each) === "INPUT" ? each.type : INHERENT.has(upper(each)) ? upper(each).toLowerCase() : "");
  }

  function checked(check, label, seen) {
    return {
      kind: kind(check), text: words(label.textContent), name: named(check, false), box: seen, clickable: true,
      checkable: true, checked: check.checked, enabled: !check.disabled, children: [],
    };
  }

  // The system's picker: a list's choices, over the page.
  const LOOK = "z-index:2147483647;background:#eee;overflow-y:auto;font:10px Arial;display:block";
  let picker = null;
  const listOf = (event) => {
    const list = event.target.closest && event.target.closest("select");
    return list && !list.disabled ? list : null;
  };
  add.call(document, "touchstart", (event) => listOf(event) && event.preventDefault(), { capture: true, passive: false });
  add.call(document, "touchend", (event) => {
    const list = listOf(event);
    if (list) setTimeout(() => show(list));
  }, { capture: true });

  function show(list) {
    close();
    picker = document.createElement("edgewise-picker");
    picker.style.cssText = `position:fixed;left:0;top:0;width:${VIEW[2]}px;height:${VIEW[3]}px;${LOOK}`;
    [...list.options].forEach((option) => picker.append(choice(list, option)));
    if (list.multiple) picker.append(line("OK", close));
    document.documentElement.append(picker);
  }

  function line(text, done) {
    const made = document.createElement("div");
    made.style.cssText = "padding:0 6px;border-bottom:1px solid #bbb;cursor:pointer";
    made.textContent = text;
    add.call(made, "click", done);
    listened.add(made);
    return made;
  }

  function choice(list, option) {
    const made = line(words(option.textContent), () => {
      option.selected = list.multiple ? !option.selected : true;
      if (list.multiple) mark();
      else close();
      for (const kind of ["input", "change"]) list.dispatchEvent(new Event(kind, { bubbles: true }));
    });
    const mark = () => {
      made.setAttribute("aria-selected", option.selected);
      made.style.background = option.selected ? "#9cf" : "";
    };
    mark();
    return made;
  }

  function close() {
    if (picker) picker.remove();
    picker = null;
  }

  function set(each, value) {
    const owner = upper(each) === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(owner.prototype, "value").set.call(each, value);
    for (const kind of ["input", "change"]) each.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  const focus = () => {
    const found = document.activeElement;
    return found && found !== document.body && isField(found) && !found.disabled ? found : null;
  };
  const two = (each) => String(each).padStart(2, "0");

  window.edgewise = {
    tree: () => {
      const rows = picker ? [...picker.children].flatMap((each) => node(each, VIEW)).map((each, n) => {
        const state = picker.children[n] && picker.children[n].getAttribute("aria-selected");
        return { ...each, checkable: state !== null, checked: state === "true" };
      }) : node(document.body, VIEW);
      return { kind: "FrameLayout", box: VIEW, scrollable: !!picker && picker.scrollHeight > picker.clientHeight + 1, children: rows };
    },
    // Whether nothing has changed for `quiet` ms, waited for at most `longest` ms.
    still: async (quiet, longest) => {
      const end = performance.now() + longest;
      for (;;) {
        await new Promise((done) => setTimeout(done, 15));
        const now = performance.now();
        if (now - changed >= quiet && !(window.jQuery && jQuery(":animated").length)) return true;
        if (now > end) return false;
      }
    },
    focused: () => !!focus(),
    // Empty the field that has the focus and get ready for typing at its end.
    ready: (clear) => {
      const field = focus();
      if (!field) return "none";
      if (["date", "time"].includes(field.type)) return field.type;
      if (field.isContentEditable || clear) {
        document.execCommand("selectAll");
        if (clear) document.execCommand("delete");
        else getSelection().collapseToEnd();
      }
      if (clear && field.value) set(field, "");
      return "text";
    },
    // What is typed into a date or a time goes through the system's picker on a phone.
    fill: (text) => {
      const field = focus();
      const date = /^\s*(\d{1,2})\D(\d{1,2})\D(\d{4})\s*$/.exec(text);
      const time = /^\s*(\d{1,2}):(\d{2})\s*([AP]M)?\s*$/i.exec(text);
      if (field.type === "date" && date) set(field, `${date[3]}-${two(date[1])}-${two(date[2])}`);
      else if (field.type === "time" && time) {
        const late = (time[3] || "").toUpperCase();
        set(field, `${two(late ? (time[1] % 12) + (late === "PM" ? 12 : 0) : time[1])}:${time[2]}`);
      } else return false;
      return true;
    },
    back: () => {
      if (picker) close();
      else if (focus()) document.activeElement.blur();
    },
  };
}
