// Keyboard, find-or-do, call timer, focus after a swap, and the quiet refresh. Everything works without this file.
'use strict';

const typing = (element) => element.matches('input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]');
const byKey = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Say it: the one live region.
function say(text) {
  const said = one('#said');
  if (said) said.replaceChildren(Object.assign(document.createElement('div'), { textContent: text }));
}

// Rows: J and K move the selection; the link of the row does the rest.
function move(step) {
  const links = all('.row a.cover');
  if (!links.length) return;
  const at = links.findIndex((link) => link.closest('.row').classList.contains('selected'));
  const next = links[Math.min(Math.max(at + step, 0), links.length - 1)];
  select(next.closest('.row'));
  next.focus();
  next.click();
}

function select(row) {
  all('.row.selected').forEach((other) => {
    other.classList.remove('selected');
    one('a.cover', other).removeAttribute('aria-current');
  });
  row.classList.add('selected');
  one('a.cover', row).setAttribute('aria-current', 'true');
}

// Many rows at once: X chooses the selected row; then A and S are about all that are chosen.
const picking = () => one('#rows.picking');

function pick() {
  const rows = one('#rows');
  const box = one('.row.selected .pick') || one('.row .pick');
  if (!box) return false;
  rows.classList.add('picking');
  one('#bulk').hidden = false;
  box.checked = !box.checked;
  countPicked();
  return true;
}

function countPicked() {
  const many = all('.pick:checked').length;
  const said = one('#picked');
  if (said) said.textContent = many ? `${many} chosen: A hands over, S snoozes, Esc stops` : 'Choose rows, then';
  say(`${many} chosen.`);
}

function stopPicking() {
  all('.pick:checked').forEach((box) => { box.checked = false; });
  one('#rows').classList.remove('picking');
  one('#bulk').hidden = true;
  (one('.row.selected a.cover') || one('#main')).focus();
}

function escape() {
  const opened = document.activeElement?.closest('details[open]');
  if (opened) { opened.open = false; one('summary', opened).focus(); return true; }
  if (picking()) { stopPicking(); return true; }
  return false;
}

// Timer: starts with the call, pauses after three minutes without a key or a touch (ui.md §7.10).
const timer = { started: 0, spent: 0, last: 0, ticking: 0, typed: false };
const IDLE = 180000;

function startTimer() {
  if (timer.ticking) return;
  timer.started = timer.last = performance.now();
  timer.ticking = setInterval(tick, 5000);
  say('Timer started.');
}

function tick() {
  const now = performance.now();
  if (now - timer.last > IDLE) {
    pauseTimer(timer.last);
    say('Timer paused: nothing was typed for 3 minutes. Press T to go on.');
    return;
  }
  show(now);
}

function show(now) {
  const field = one('#minutes');
  if (field && !timer.typed) field.value = Math.max(1, Math.ceil((timer.spent + now - timer.started) / 60000));
}

function pauseTimer(at) {
  clearInterval(timer.ticking);
  timer.ticking = 0;
  timer.spent += Math.max(0, at - timer.started);
}

function toggleTimer() {
  if (timer.ticking) { pauseTimer(performance.now()); say('Timer stopped.'); } else startTimer();
}

function resetTimer() {
  clearInterval(timer.ticking);
  Object.assign(timer, { started: 0, spent: 0, ticking: 0, typed: false });
}

// Find or do: a combobox over a list that the server draws.
const palette = () => one('#palette');

function openPalette() {
  const dialog = palette();
  if (!dialog || dialog.open) return;
  dialog.showModal();
  const field = one('#find-text');
  field.value = '';
  field.focus();
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

function point(step) {
  const hits = all('.hit', palette());
  if (!hits.length) return;
  const at = hits.findIndex((hit) => hit.getAttribute('aria-selected') === 'true');
  const next = hits[(at + step + hits.length) % hits.length];
  hits.forEach((hit) => hit.setAttribute('aria-selected', String(hit === next)));
  one('#find-text').setAttribute('aria-activedescendant', next.id);
  next.scrollIntoView({ block: 'nearest' });
}

function paletteKey(event) {
  if (event.key === 'ArrowDown') point(1);
  else if (event.key === 'ArrowUp') point(-1);
  else if (event.key === 'Enter') {
    const hit = one('.hit[aria-selected="true"]', palette());
    if (!hit) return;
    palette().close();
    if (hit.dataset.presses) press(hit.dataset.presses);
    else location.assign(hit.href);
  } else return;
  event.preventDefault();
}

// Who came by a key types a name and presses Enter: a list that pops up would swallow that Enter.
function typeInto(field) {
  field.removeAttribute('list');
  field.focus();
}

// Keys. Single keys never fire inside a text field, and can be turned off in Settings.
function press(key) {
  const target = byKey(key);
  if (!target) return false;
  if (target.matches('input[type=radio]')) { target.checked = true; target.focus(); return true; }
  if (target.matches('summary')) {
    const details = target.parentElement;
    details.open = !details.open;
    if (details.open) typeInto(one('select, input:not([type=hidden])', details) || target);
    return true;
  }
  if (target.matches('textarea')) { target.focus(); return true; }
  if (target.matches('a[href^="tel:"]')) { startTimer(); target.focus(); }
  target.click();
  return true;
}

const pages = { w: '/worklist', p: '/patients', t: '/transitions', r: '/referrals', s: '/results', m: '/messages' };
let goTo = false;

// The patient of the page, or of the loop beside the list.
const patient = () => (byKey('o')?.pathname || location.pathname).match(/^\/patients\/[^/]+/)?.[0];

function compareMedicines() {
  if (patient()) location.assign(`${patient()}/medicines/compare`);
  return Boolean(patient());
}

function newLoop() {
  const field = one('#capture-text');
  if (!field) return false;
  field.value = field.value || '/task ';
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  return true;
}

function singleKey(key) {
  if (goTo) { goTo = false; if (pages[key]) { location.assign(pages[key]); return true; } }
  switch (key) {
    case 'g': goTo = true; return true;
    case 'j': case 'arrowdown': move(1); return true;
    case 'k': case 'arrowup': move(-1); return true;
    case 'l': { const field = one('#outcomes input'); if (field) field.focus(); return Boolean(field); }
    case 't': toggleTimer(); return true;
    case '?': one('#keys')?.showModal(); return true;
    case '/': if (!press('/')) openPalette(); return true;
    case 'x': return pick() || press('x');
    case 'a': if (picking()) { typeInto(one('#bulk-to')); return true; } return press('a');
    case 's': if (picking() && one('.pick:checked')) { one('#bulk-snooze').click(); return true; } return press('s');
    case 'm': return compareMedicines();
    case '+': return newLoop();
    case 'r': location.reload(); return true;
    default: return press(key);
  }
}

// Compare medicines: up and down go from row to row, 1 to 4 choose, Enter goes to what is left, then to Finish.
function compareKey(event, key) {
  const rows = all('.cmp [data-row]');
  if (!rows.length || typing(event.target) || event.target.matches('select, button, a, summary')) return false;
  const at = rows.indexOf(event.target.closest('[data-row]'));
  if (key === 'arrowdown' || key === 'j') rows[Math.min(at + 1, rows.length - 1)].focus();
  else if (key === 'arrowup' || key === 'k') rows[Math.max(at - 1, 0)].focus();
  else if (key === 'enter') (rows.slice(at + 1).find((row) => row.matches('.open')) || rows.find((row) => row.matches('.open')) || one('#finish')).focus();
  else {
    const choice = /^[1-4]$/.test(key) && one(`[data-choice="${key}"]`, rows[Math.max(at, 0)]);
    if (!choice) return false;
    choice.click();
  }
  return true;
}

document.addEventListener('keydown', (event) => {
  timer.last = performance.now();
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { openPalette(); event.preventDefault(); return; }
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') { one('[data-save]')?.click(); event.preventDefault(); return; }
  if (palette()?.open) { paletteKey(event); return; }
  if (event.key === 'Enter' && !event.shiftKey && event.target.matches('[data-sends]')) { event.target.form.requestSubmit(one('button[value=preview]', event.target.form)); event.preventDefault(); return; }
  if (event.key === 'Escape' && !one('dialog[open]') && escape()) { event.preventDefault(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.keys === 'off') return;
  if (typing(event.target) || one('dialog[open]')) return;
  const key = event.key.toLowerCase();
  if (compareKey(event, key)) { event.preventDefault(); return; }
  if (key.startsWith('arrow') && event.target.matches('input, select')) return;
  if (singleKey(key)) event.preventDefault();
});

document.addEventListener('pointerdown', () => { timer.last = performance.now(); });

document.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-opens]');
  if (opener) { event.preventDefault(); openPalette(); return; }
  const cover = event.target.closest('.row a.cover');
  if (cover) {
    select(cover.closest('.row'));
    one('#work')?.classList.add('one');
    resetTimer();
  }
  if (event.target.closest('[data-starts-timer]')) startTimer();
  const hit = event.target.closest('.hit[data-presses]');
  if (hit) { event.preventDefault(); palette().close(); press(hit.dataset.presses); }
  if (event.target === palette()) palette().close();
});

document.addEventListener('change', (event) => { if (event.target.matches('.pick')) countPicked(); });

document.addEventListener('input', (event) => { if (event.target.id === 'minutes') timer.typed = true; });

document.addEventListener('submit', (event) => {
  const button = event.submitter;
  if (button?.matches('[data-save]')) {
    if (timer.ticking) show(performance.now());
    queueMicrotask(() => { button.disabled = true; button.dataset.was = button.textContent; button.textContent = 'Saving…'; });
  }
  if (event.target.closest('#palette')) event.preventDefault();
});

// No connection: the text stays where it is, and the save is tried again.
const waits = [1000, 2000, 5000, 10000];
document.addEventListener('htmx:error', (event) => {
  const form = event.target.closest?.('form');
  const button = form && one('[data-save]', form);
  if (!button) return;
  const tries = Number(form.dataset.tries || 0);
  say('Not saved yet. Keep this page open. Trying again…');
  button.disabled = false;
  button.textContent = button.dataset.was || button.textContent;
  form.dataset.tries = tries + 1;
  setTimeout(() => form.isConnected && form.requestSubmit(button), waits[Math.min(tries, waits.length - 1)]);
});

// Focus rule: after a swap focus is where the answer says, and never nowhere.
document.addEventListener('htmx:after:swap', () => {
  all('[data-save][data-was]').forEach((button) => {
    button.disabled = false;
    button.textContent = button.dataset.was;
    delete button.dataset.was;
  });
  const told = one('[data-focus]');
  if (told) { told.focus(); told.removeAttribute('data-focus'); return; }
  if (document.activeElement && document.activeElement !== document.body) return;
  (one('.row.selected a.cover') || one('#main')).focus();
});

document.addEventListener('htmx:after:swap', () => { if (palette()?.open) point(0); });

// Tabs that scroll sideways show the one that is open.
one('.tabrow [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

// Quiet refresh: ask every 30 s whether the list changed; never move a row by itself.
setInterval(async () => {
  const rows = one('#rows');
  if (!rows || document.hidden) return;
  const answer = await fetch(rows.dataset.refresh, { headers: { 'If-None-Match': `"${rows.dataset.state}"` } }).catch(() => null);
  if (answer?.status === 200) one('#changed').hidden = false;
}, 30000);
