import type { Pages } from './front-door'
import { html, type Markup, type Page } from './page'
import { consentForm, pickForm, typedForm, type Words } from './page-forms'

const words: Words = {
  username: 'E-mail lub login',
  password: 'Hasło',
  signIn: 'Zaloguj się',
  cancel: 'Nie teraz, wróć do aplikacji',
  wrong: 'Niepoprawny login lub hasło.',
  allow: 'Zgadzam się',
  deny: 'Odmawiam',
}

/** A portal's front page: black bar, yellow slab, everything on the left and in heavy type. */
const style = `
:root{--bg:#f3f3ef;--card:#fff;--ink:#111;--soft:#5c5c55;--line:#dcdcd4;--accent:#ffd60a;--focus:#0057d9}
@media(prefers-color-scheme:dark){:root{--bg:#14140f;--card:#1f1f19;--ink:#f6f5ec;--soft:#b4b3a6;--line:#3a3a31;--focus:#8ab8ff}}
body{background:var(--bg);color:var(--ink);font:16px/1.45 "Arial Narrow",Arial,Helvetica,sans-serif}
.bar{background:#0c0c0a;color:#fff;padding:.9rem clamp(1rem,6vw,5rem);display:flex;gap:.7rem;align-items:center;font-weight:800;font-size:1.35rem;letter-spacing:-.02em}
.bar i{width:1.15rem;height:1.15rem;background:var(--accent);border-radius:50% 50% 50% 0}
.slab{background:var(--accent);color:#111;padding:clamp(1.5rem,5vw,3.2rem) clamp(1rem,6vw,5rem) 4.4rem}
.slab h1{margin:0;font-size:clamp(1.9rem,6vw,3.2rem);line-height:1;letter-spacing:-.035em;font-weight:900}
.slab p{margin:.6rem 0 0;max-width:36rem}
main{background:var(--card);margin:-2.6rem clamp(.75rem,6vw,5rem) 3rem;max-width:30rem;padding:1.4rem;border-bottom:6px solid var(--accent);box-shadow:0 12px 34px #0000001f}
.person{display:flex;width:100%;gap:.8rem;align-items:center;text-align:left;background:none;border:0;border-bottom:1px solid var(--line);padding:.75rem .2rem}
.person:hover{background:color-mix(in srgb,var(--accent) 22%,transparent)}
.face{width:2.4rem;height:2.4rem;background:var(--ink);color:var(--card);display:grid;place-items:center;font-weight:900}
.who small{display:block;color:var(--soft)}
.typed{margin-top:1.4rem}.typed label{display:block;font-weight:700;margin:.7rem 0}
.typed input{display:block;width:100%;margin-top:.25rem;padding:.7rem;border:2px solid var(--ink);background:var(--card);border-radius:0}
.actions{display:flex;flex-wrap:wrap;gap:.7rem;margin-top:1.1rem}
.main{background:var(--accent);color:#111;border:0;padding:.8rem 1.5rem;font-weight:900;border-radius:0}
.quiet{background:none;border:0;padding:.8rem 0;text-decoration:underline;color:var(--soft)}
.consent .quiet{padding:.8rem 1rem}
.problem{background:#c4001a;color:#fff;padding:.6rem .8rem;font-weight:700}
.gets{padding-left:1.1rem}.gets li{margin:.35rem 0}
code{overflow-wrap:anywhere}
`

function draw(title: string, english: string, content: Markup): Page {
  const body = html`<header class="bar"><i aria-hidden="true"></i>Onet Konto</header>
    <div class="slab">
      <h1>${title}</h1>
      <p lang="en" class="sub">${english}</p>
    </div>
    <main>${content}</main>`
  return { language: 'pl', title: `Onet Konto: ${title}`, style, body }
}

export const onetPages: Pages = {
  signIn: (visit, users, problem) =>
    draw(
      'Jedno konto. Wszystkie serwisy.',
      'Sign in once, stay signed in everywhere on Onet',
      html`${pickForm(visit, users)}${typedForm(visit, words, problem)}`,
    ),
  consent: (visit, person) =>
    draw(
      `Cześć, ${person.fullName}`,
      'An app asks for your e-mail address and your identifier',
      html`<p>Aplikacja prosi o dostęp do Twojego konta:</p>
        <ul class="gets">
          <li>adres e-mail</li>
          <li>stały identyfikator konta</li>
        </ul>
        ${consentForm(visit, words, (scope) => scope)}`,
    ),
  refused: (reason) =>
    draw(
      'Nieprawidłowe żądanie',
      'The app sent a request that Onet does not allow',
      html`<p><code>${reason}</code></p>`,
    ),
}
