import type { Pages } from './front-door'
import { html, type Markup, type Page } from './page'
import { consentForm, pickForm, typedForm, type Words } from './page-forms'

const words: Words = {
  username: 'Work email',
  password: 'Password',
  signIn: 'Continue',
  cancel: 'Cancel and go back',
  wrong: 'That email and password do not match.',
  allow: 'Allow access',
  deny: 'Deny',
}

/** A video studio: dusk gradient, one floating rounded card, film frames beside it where there is room. */
const style = `
:root{--card:#ffffffe8;--ink:#1b1638;--soft:#655f86;--line:#ddd7f3;--one:#6a3df0;--two:#12b3a6;--focus:#12b3a6;
  --sky:linear-gradient(140deg,#ece6ff,#d9fbf4 55%,#ffe9f3)}
@media(prefers-color-scheme:dark){:root{--card:#1b1733ee;--ink:#f2efff;--soft:#b0a9d6;--line:#3a3361;--one:#a487ff;--two:#4fe0d2;
  --sky:linear-gradient(140deg,#120c2c,#062b33 55%,#2b1030)}}
body{background:var(--sky);color:var(--ink);font:16px/1.55 "Avenir Next","Century Gothic",Futura,system-ui,sans-serif}
.stage{display:grid;gap:3rem;align-items:center;justify-content:center;padding:clamp(1.2rem,5vw,4rem) 1rem;min-height:calc(100vh - 2rem);grid-template-columns:minmax(0,25rem)}
.film{display:none}
@media(min-width:900px){.stage{grid-template-columns:20rem 25rem}.film{display:grid;gap:1rem;transform:rotate(-4deg)}}
.film span{height:8.2rem;border-radius:1.2rem;background:linear-gradient(120deg,var(--one),var(--two));opacity:.9}
.film span:nth-child(2){background:radial-gradient(circle at 30% 40%,#ff8ac2,var(--one) 65%);margin-left:2.5rem}
.film span:nth-child(3){background:radial-gradient(circle at 70% 40%,#ffd48a,var(--two) 70%);margin-left:1rem}
main{background:var(--card);border-radius:1.8rem;padding:clamp(1.3rem,5vw,2.2rem);box-shadow:0 30px 80px #2a14702e}
.mark{display:inline-flex;gap:.6rem;align-items:center;font-weight:700;letter-spacing:.01em}
.mark i{width:1.9rem;height:1.9rem;border-radius:.65rem;background:linear-gradient(135deg,var(--one),var(--two));position:relative}
.mark i::after{content:"";position:absolute;left:.72rem;top:.55rem;border:.42rem solid transparent;border-left:.62rem solid #fff;border-right:0}
h1{font-size:1.55rem;line-height:1.2;margin:1.1rem 0 .4rem;font-weight:650}
.lead{margin:0 0 1.2rem;color:var(--soft)}
.people{display:grid;gap:.6rem}
.person{display:flex;gap:.8rem;align-items:center;text-align:left;border:1.5px solid var(--line);border-radius:1.1rem;background:none;padding:.6rem .8rem;min-width:0}
.person:hover{border-color:var(--one)}
.face{flex:none;width:2.3rem;height:2.3rem;border-radius:50%;display:grid;place-items:center;color:#fff;background:linear-gradient(135deg,var(--one),var(--two));font-weight:700}
.who{min-width:0}.who small{display:block;color:var(--soft);overflow-wrap:anywhere}
.typed{margin-top:1.2rem;border-top:1px solid var(--line);padding-top:.6rem}
.typed label{display:block;font-size:.88rem;color:var(--soft);margin-top:.8rem}
.typed input{display:block;width:100%;margin-top:.3rem;padding:.75rem 1rem;border-radius:1rem;border:1.5px solid var(--line);background:transparent;color:var(--ink)}
.actions{display:grid;gap:.6rem;margin-top:1.2rem}
.main{border:0;border-radius:2rem;padding:.85rem;color:#fff;font-weight:650;background:linear-gradient(100deg,#5b2ee0,#0b7f79)}
.quiet{border:0;background:none;color:var(--soft);padding:.7rem;width:100%}
.problem{border-radius:1rem;padding:.7rem 1rem;background:#ffdce6;color:#7a0026;margin:.6rem 0 0}
.gets{list-style:none;padding:0;margin:1rem 0;display:grid;gap:.5rem}
.gets li{padding:.65rem .9rem;border-radius:1rem;background:color-mix(in srgb,var(--one) 11%,transparent)}
code{overflow-wrap:anywhere}
`

function draw(title: string, lead: string, content: Markup): Page {
  const body = html`<div class="stage">
    <div class="film" aria-hidden="true"><span></span><span></span><span></span></div>
    <main>
      <div class="mark"><i aria-hidden="true"></i>KonPro</div>
      <h1>${title}</h1>
      <p class="lead">${lead}</p>
      ${content}
    </main>
  </div>`
  return { language: 'en', title: `KonPro: ${title}`, style, body }
}

export const konproPages: Pages = {
  signIn: (visit, users, problem) =>
    draw(
      'Welcome back to the studio',
      'Pick an account, or sign in with your email.',
      html`${pickForm(visit, users)}${typedForm(visit, words, problem)}`,
    ),
  consent: (visit, person) =>
    draw(
      'An app wants to connect',
      `You are signed in as ${person.login}.`,
      html`<ul class="gets">
          <li>See your account, workspace and plan</li>
          <li>Use the KonPro API as you</li>
        </ul>
        ${consentForm(visit, words, (scope) => scope)}`,
    ),
  refused: (reason) =>
    draw(
      'This link does not work',
      'The app sent something we do not allow.',
      html`<p><code>${reason}</code></p>`,
    ),
}

/** What the app host answers to everything: the shell of a single-page app. */
export const konproShell: Page = draw(
  'Loading your studio…',
  'You need to enable JavaScript.',
  html`<div id="root"></div>`,
)
