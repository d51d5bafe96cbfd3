(d => {
const n = d.getElementById('notice'),
of = n.dataset,
close = n.querySelector('button');
// Without storage it comes back with the next page.
try {
const [id, at] = localStorage.notice.split(' ');
n.hidden = id == of.id && (of.again == 0 || Date.now() - at < of.again * 36e5);
} catch {
}
close.hidden = false;
close.onclick = () => {
n.hidden = true;
d.querySelector('.top a').focus();
try {
localStorage.notice = of.id + ' ' + Date.now();
} catch {
}
};
})(document)
