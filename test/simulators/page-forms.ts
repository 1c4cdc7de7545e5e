import type { Visit } from './front-door'
import { html, Markup } from './page'
import type { Person } from './simulator'

/** What a provider's forms say, in its country's language. */
export interface Words {
  username: string
  password: string
  signIn: string
  cancel: string
  wrong: string
  allow: string
  deny: string
}

/** Buttons with the people who can sign in without typing. */
export function pickForm(visit: Visit, users: Record<string, Person>): Markup {
  const people = Object.entries(users).map(
    ([name, person]) =>
      html`<button class="person" name="pick" value="${name}" data-user="${name}">
        <span class="face" aria-hidden="true">${person.fullName.slice(0, 1)}</span>
        <span class="who"><strong>${person.fullName}</strong><small>${person.login}</small></span>
      </button>`,
  )
  return html`<form class="people" method="post" action="/sign-in/person">
    <input type="hidden" name="visit" value="${visit.id}" />${people}
  </form>`
}

/** User name and password, and a way out. */
export function typedForm(visit: Visit, words: Words, problem?: string): Markup {
  const wrong =
    problem === undefined ? html`` : html`<p class="problem" role="alert">${words.wrong}</p>`
  return html`<form class="typed" method="post" action="/sign-in/person">
      <input type="hidden" name="visit" value="${visit.id}" />${wrong}
      <label
        >${words.username}<input
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          required
      /></label>
      <label
        >${words.password}<input
          name="password"
          type="password"
          autocomplete="current-password"
          required
      /></label>
      <div class="actions"><button class="main" data-action="sign-in">${words.signIn}</button></div>
    </form>
    <form class="leave" method="post" action="/sign-in/person">
      <input type="hidden" name="visit" value="${visit.id}" />
      <button class="quiet" name="decision" value="deny" data-action="deny">${words.cancel}</button>
    </form>`
}

/** Scopes to tick, Allow and Deny. `describe` says what a scope gives. */
export function consentForm(
  visit: Visit,
  words: Words,
  describe: (scope: string) => string,
): Markup {
  const boxes = visit.scopes.map((scope) => {
    const fixed = visit.mandatory.includes(scope) ? new Markup(' disabled') : ''
    return html`<li>
      <label
        ><input type="checkbox" name="scope" value="${scope}" checked${fixed} />
        <span>${describe(scope)}</span></label
      >
    </li>`
  })
  return html`<form class="consent" method="post" action="/sign-in/decision">
    <input type="hidden" name="visit" value="${visit.id}" />
    ${
      boxes.length > 0
        ? html`<ul class="scopes">
            ${boxes}
          </ul>`
        : ''
    }
    <div class="actions">
      <button class="main" name="decision" value="allow" data-action="allow">${words.allow}</button>
      <button class="quiet" name="decision" value="deny" data-action="deny">${words.deny}</button>
    </div>
  </form>`
}
