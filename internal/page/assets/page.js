((d) => {
const id = i => d.getElementById(i),
all = (n, q) => [...n.querySelectorAll(q)],
lang = d.documentElement.lang,
format = new Intl.DateTimeFormat(lang == 'en' ? 'en-GB' : lang, {dateStyle: 'long', timeStyle: 'short'}),
zone = new Intl.DateTimeFormat(lang, {timeZoneName: 'short'}),
// How old the page is, in milliseconds.
age = () => Date.now() + (ahead || 0) - Date.parse(id('asof')?.dateTime),
dress = () => {
if (id('old')) id('old').hidden = ahead == null || !(age() > 9e5);
all(d, 'time[datetime$=Z]:not([title])').forEach(t => {
const at = new Date(t.dateTime);
if (at.getTimezoneOffset()) {
t.title = t.textContent;
t.textContent = format.format(at) + ' ' + zone.formatToParts(at).find(p => p.type[4] == 'Z').value;
}
});
},
renew = async () => {
if (d.hidden) return;
try {
const r = await fetch(''), next = new DOMParser().parseFromString(await r.text(), 'text/html'), from = id('main'), to = next.getElementById('main'),
q = 'a,summary', at = all(from, q).indexOf(d.activeElement);
// The server's clock counts: the visitor's may be wrong.
ahead = Date.parse(r.headers.get('date')) + 1e3 * r.headers.get('age') - Date.now();
if (r.ok && to && to.innerHTML != shown && !(getSelection() + '')) {
shown = to.innerHTML;
all(from, 'details[open]').forEach(e => next.getElementById(e.id)?.setAttribute('open', ''));
from.replaceWith(to);
all(to, q)[at]?.focus({preventScroll: true});
d.body.className = next.body.className;
d.querySelector('link[rel=icon]').href = next.querySelector('link[rel=icon]').href;
if (d.title != next.title) id('live').textContent = d.title = next.title;
}
} catch {
ahead ??= 0;
}
dress();
};
let ahead, shown = id('main').innerHTML;
dress();
if (age() > 9e5) renew();
setInterval(renew, 6e4);
d.addEventListener('visibilitychange', renew);
})(document);
