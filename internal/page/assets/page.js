(d => {
let ahead;
const $ = (q, n = d) => n.querySelector(q),
all = (q, n = d) => [...n.querySelectorAll(q)],
// English as in Europe (150): 27 November, 24 hours.
zoned = new Intl.DateTimeFormat(d.documentElement.lang + '-150', {dateStyle: 'long', timeStyle: 'long'}),
age = () => Date.now() + (ahead || 0) - Date.parse($('#asof')?.dateTime),
dress = () => {
$('#old')?.toggleAttribute('hidden', ahead == null || age() < 9e5);
all('time:not([title])').map(t => {
const at = new Date(t.dateTime);
if (at.getTimezoneOffset()) {
t.title = t.textContent;
t.textContent = zoned.format(at).replace(/:\d\d /, ' ');
}
});
},
renew = async () => {
if (d.hidden) return;
try {
const r = await fetch(''),
next = new DOMParser().parseFromString(await r.text(), 'text/html'),
from = $('main'), to = $('main', next),
focus = all('a,summary', from).indexOf(d.activeElement);
// The server's clock counts: the visitor's may be wrong.
ahead = Date.parse(r.headers.get('date')) + 1e3 * r.headers.get('age') - Date.now();
if (r.ok && to.innerHTML != shown && getSelection().isCollapsed) {
shown = to.innerHTML;
all('[open]', from).map(e => $('#' + e.id, to)?.setAttribute('open', ''));
from.replaceWith(to);
all('a,summary', to)[focus]?.focus({preventScroll: true});
d.body.className = next.body.className;
$('link[rel=icon]').href = $('link[rel=icon]', next).href;
if (d.title != next.title) $('#live').textContent = d.title = next.title;
}
} catch {
ahead ??= 0;
}
dress();
};
let shown = $('main').innerHTML;
dress();
if (age() > 9e5) renew();
setInterval(renew, 6e4);
d.onvisibilitychange = renew;
})(document)
