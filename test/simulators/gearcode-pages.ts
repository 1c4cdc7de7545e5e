import type { Pages } from './front-door'
import { html, type Markup, type Page } from './page'
import { consentForm, pickForm, typedForm, type Words } from './page-forms'

const words: Words = {
  username: 'Użytkownik',
  password: 'Hasło',
  signIn: 'Zaloguj',
  cancel: 'Anuluj',
  wrong: 'BŁĄD: nieprawidłowy użytkownik lub hasło',
  allow: 'Zezwól',
  deny: 'Odrzuć',
}

/** A machine's control panel: blueprint grid, monospace, square corners, a drawn gear. */
const style = `
:root{--bg:#e6ecf1;--grid:#c9d6e0;--panel:#f8fafb;--ink:#10273a;--soft:#4a6375;--line:#8ba3b5;--accent:#0b5c8c;--on:#fff;--focus:#d2500a}
@media(prefers-color-scheme:dark){:root{--bg:#0b1a26;--grid:#12293a;--panel:#10222f;--ink:#dcebf5;--soft:#94b0c2;--line:#365468;--accent:#6cc3f5;--on:#06202f;--focus:#ff9d57}}
body{color:var(--ink);font:15px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;background:
  linear-gradient(var(--grid) 1px,transparent 1px) 0 0/24px 24px,linear-gradient(90deg,var(--grid) 1px,transparent 1px) 0 0/24px 24px,var(--bg)}
.rig{max-width:58rem;margin:clamp(1rem,5vw,4rem) auto;border:2px solid var(--ink);background:var(--panel);display:grid;width:calc(100% - 1.5rem)}
.side{background:var(--ink);color:var(--panel);padding:1.2rem;display:flex;gap:1rem;align-items:center}
.side svg{width:3.4rem;flex:none;fill:none;stroke:currentColor;stroke-width:3}
.side b{display:block;font-size:1.2rem;letter-spacing:.08em}
@media(min-width:760px){.rig{grid-template-columns:15rem 1fr}.side{flex-direction:column;align-items:flex-start;padding:2rem 1.4rem}.side svg{width:9rem}}
main{padding:clamp(1.1rem,4vw,2.2rem);min-width:0}
h1{font-size:1.15rem;margin:0 0 .2rem;text-transform:uppercase;letter-spacing:.06em}
.sub{display:block;margin-bottom:1.2rem}
.people{display:grid;border:1px solid var(--line)}
@media(min-width:560px){.people{grid-template-columns:1fr 1fr}}
.person{display:flex;gap:.7rem;text-align:left;border:0;outline-offset:-3px;box-shadow:0 0 0 .5px var(--line);background:none;padding:.8rem;min-width:0}
.person:hover{background:color-mix(in srgb,var(--accent) 14%,transparent)}
.face{border:2px solid var(--accent);color:var(--accent);width:2.1rem;height:2.1rem;display:grid;place-items:center;flex:none;font-weight:700}
.who{min-width:0}.who small{display:block;color:var(--soft);overflow-wrap:anywhere}
.typed{margin-top:1.4rem;display:grid;gap:.8rem}
@media(min-width:560px){.typed{grid-template-columns:1fr 1fr}.typed .problem,.typed .actions{grid-column:1/-1}}
.typed label{font-size:.82rem;color:var(--soft);display:block}
.typed input{width:100%;padding:.6rem;border:1px solid var(--ink);border-radius:0;background:transparent;color:var(--ink);margin-top:.2rem}
.actions{display:flex;gap:.8rem;flex-wrap:wrap;margin-top:.3rem}
.consent .actions{margin-top:1.4rem}
.main{background:var(--accent);color:var(--on);border:2px solid var(--accent);border-radius:0;padding:.65rem 1.4rem;font-weight:700}
.quiet{background:none;border:2px solid var(--line);border-radius:0;padding:.65rem 1.4rem}
.leave{margin-top:.8rem}
.problem{margin:0;border-left:6px solid #c22d00;padding:.5rem .8rem;background:color-mix(in srgb,#c22d00 15%,transparent)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.4rem 1.2rem;border-block:1px solid var(--line);padding:1rem 0;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
code{overflow-wrap:anywhere}
`

const gear = html`<svg viewBox="0 0 80 80" aria-hidden="true">
  <circle cx="40" cy="40" r="11" />
  <circle cx="40" cy="40" r="24" />
  <path
    d="M40 16V6M40 74V64M16 40H6M74 40H64M23 23l-7-7M64 64l-7-7M57 23l7-7M16 64l7-7"
    stroke-width="8"
  />
</svg>`

function draw(title: string, english: string, content: Markup): Page {
  const body = html`<div class="rig">
    <div class="side">
      ${gear}
      <div><b>GC.AUTH</b>GearCode</div>
    </div>
    <main>
      <h1>${title}</h1>
      <span lang="en" class="sub">${english}</span>${content}
    </main>
  </div>`
  return { language: 'pl', title: `GC.AUTH: ${title}`, style, body }
}

export const gearcodePages: Pages = {
  signIn: (visit, users, problem) =>
    draw(
      'Logowanie użytkownika',
      'User sign-in',
      html`${pickForm(visit, users)}${typedForm(visit, words, problem)}`,
    ),
  consent: (visit, person) =>
    draw(
      'Dostęp jako użytkownik',
      'An application wants to act as you',
      html`<dl>
          <dt>Użytkownik</dt>
          <dd>${person.fullName}</dd>
          <dt>Login</dt>
          <dd>${person.login}</dd>
          <dt>Wraca do</dt>
          <dd>${new URL(visit.redirectUri).host}</dd>
        </dl>
        ${consentForm(visit, words, (scope) => scope)}`,
    ),
  refused: (reason) =>
    draw(
      'Błąd żądania',
      'The application sent a request that is not allowed',
      html`<p><code>${reason}</code></p>`,
    ),
}
