import type { Pages } from './front-door'
import { html, type Markup, type Page } from './page'
import { consentForm, pickForm, typedForm, type Words } from './page-forms'

const words: Words = {
  username: 'E-mailová adresa',
  password: 'Heslo',
  signIn: 'Přihlásit se',
  cancel: 'Zrušit přihlášení',
  wrong: 'Zadaná adresa nebo heslo není správné.',
  allow: 'Povolit',
  deny: 'Zamítnout',
}

const czech: Record<string, string> = {
  identity: 'Jméno, e-mail a identifikátor',
  'contact-phone': 'Telefonní číslo',
  avatar: 'Profilový obrázek',
  adulthood: 'Zda je mi 18 let',
  birthday: 'Datum narození',
  gender: 'Pohlaví',
}

/** A reading service: warm paper, serif headings, red thread, rows like an index. */
const style = `
:root{--bg:#fbf6f0;--card:#fffdfa;--ink:#2b1d18;--soft:#7b675d;--line:#ead9cc;--accent:#b8121f;--focus:#1c5fb0}
@media(prefers-color-scheme:dark){:root{--bg:#1c1412;--card:#271c19;--ink:#f7ece5;--soft:#c0a99d;--line:#4a3630;--accent:#ff7d78;--focus:#8fc0ff}}
body{background:var(--bg);color:var(--ink);font:17px/1.5 Verdana,"DejaVu Sans",Geneva,sans-serif;font-size:.95rem}
header{display:flex;justify-content:center;gap:.6rem;align-items:center;padding:1.6rem 1rem .9rem;font:italic 700 1.7rem/1 Georgia,"DejaVu Serif",serif;color:var(--accent)}
header svg{width:2.2rem;fill:none;stroke:currentColor;stroke-width:4;stroke-linecap:round}
main{max-width:27rem;margin:0 auto 3rem;width:calc(100% - 1.5rem);background:var(--card);border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:0 0 10px 10px;padding:1.5rem clamp(1rem,5vw,1.8rem)}
h1{font:700 1.45rem/1.25 Georgia,"DejaVu Serif",serif;margin:0;text-align:center}
.sub{display:block;text-align:center;margin:.3rem 0 1.2rem}
.people{border-top:1px solid var(--line)}
.person{display:flex;width:100%;gap:.9rem;align-items:center;text-align:left;background:none;border:0;border-bottom:1px solid var(--line);padding:.7rem .3rem}
.person:hover strong{color:var(--accent);text-decoration:underline}
.face{width:2.5rem;height:2.5rem;border-radius:50%;border:2px solid var(--accent);color:var(--accent);display:grid;place-items:center;font:italic 700 1.2rem Georgia,serif;flex:none}
.who small{display:block;color:var(--soft)}
.typed{margin-top:1.2rem}.typed label{display:block;margin:.8rem 0;color:var(--soft);font-size:.88rem}
.typed input{display:block;width:100%;padding:.65rem .75rem;margin-top:.25rem;border:1px solid var(--soft);border-radius:6px;background:transparent;color:var(--ink);font-size:1rem}
.actions{display:flex;flex-direction:row-reverse;gap:.7rem;margin-top:1.2rem}
.actions .main,.actions .quiet{flex:1}
.main{background:#b8121f;color:#fff;border:0;border-radius:6px;padding:.8rem 1rem;font-weight:700}
.quiet{background:none;border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem}
.leave{text-align:center}.leave .quiet{border:0;color:var(--soft);text-decoration:underline}
.problem{color:#8d0010;background:#ffe1de;border-radius:6px;padding:.6rem .8rem;margin:0}
.scopes{list-style:none;padding:0;margin:0;border-top:1px solid var(--line)}
.scopes li{border-bottom:1px solid var(--line)}
.scopes label{display:flex;gap:.8rem;padding:.75rem .2rem;align-items:center}
.scopes input{width:1.2rem;height:1.2rem;accent-color:var(--accent);flex:none}
.scopes input:disabled+span{color:var(--soft)}
code{overflow-wrap:anywhere}
`

const lens = html`<svg viewBox="0 0 40 40" aria-hidden="true">
  <circle cx="17" cy="17" r="11" />
  <path d="M25 25l10 10M12 17h10M17 12v10" />
</svg>`

function draw(title: string, english: string, content: Markup): Page {
  const body = html`<header>${lens}Seznam</header>
    <main>
      <h1>${title}</h1>
      <span lang="en" class="sub">${english}</span>${content}
    </main>`
  return { language: 'cs', title: `Seznam: ${title}`, style, body }
}

export const seznamPages: Pages = {
  signIn: (visit, users, problem) =>
    draw(
      'Přihlášení k účtu',
      'Sign in to your Seznam account',
      html`${pickForm(visit, users)}${typedForm(visit, words, problem)}`,
    ),
  consent: (visit, person) =>
    draw(
      'Aplikace žádá o přístup',
      `What may the app see, ${person.fullName}?`,
      consentForm(visit, words, (scope) => {
        const fixed = visit.mandatory.includes(scope) ? ' (povinné)' : ''
        return `${czech[scope] ?? scope}${fixed}`
      }),
    ),
  refused: (reason) =>
    draw(
      'Neplatný požadavek',
      'The app sent a request that Seznam does not allow',
      html`<p><code>${reason}</code></p>`,
    ),
}
