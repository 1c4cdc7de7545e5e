import type { Simulator } from './simulator'
import { handlerAt } from './simulator-fetch'
import { readForms, type Form } from './read-forms'

/** What a person does on the pages. */
export interface Choices {
  /** Name of a user, as in `simulator.users`. */
  user: string
  /** Typed together with the user's login, instead of picking the user. */
  password?: string
  /** Scopes to tick, and no others. */
  grant?: string[]
  /** Scopes to untick. */
  refuse?: string[]
  deny?: boolean
  /** Kept between logins by whoever passes it: a browser that stays the same. */
  cookies?: CookieJar
}

/** The cookies of one browser, by origin. */
export type CookieJar = Map<string, Map<string, string>>

/** Walks login and consent like a person, and returns the address that leads back to the app. */
export async function signInThrough(
  simulator: Simulator,
  authorizeUrl: string,
  choices: Choices,
): Promise<string> {
  const cookies: CookieJar = choices.cookies ?? new Map<string, Map<string, string>>()
  let request = new Request(authorizeUrl)
  for (let steps = 0; steps < 8; steps += 1) {
    const url = new URL(request.url)
    const handler = handlerAt([simulator], url.origin)
    if (!handler) return request.url
    const sent = cookies.get(url.origin)
    if (sent)
      request.headers.set('cookie', [...sent].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await handler(request)
    keepCookies(cookies, url.origin, response)
    const location = response.headers.get('location')
    if (location !== null) request = new Request(new URL(location, url))
    else request = submit(await readPage(simulator, response), choices, simulator, url)
  }
  throw new Error(`${simulator.id}: these pages lead nowhere`)
}

async function readPage(simulator: Simulator, response: Response): Promise<Form[]> {
  const page = await response.text()
  const forms = readForms(page)
  if (response.status !== 200 || forms.length === 0) {
    throw new Error(
      `${simulator.id} answered ${String(response.status)}: ${simulator.log.at(-1)?.refused ?? page.slice(0, 200)}`,
    )
  }
  if (page.includes('role="alert"'))
    throw new Error(`${simulator.id}: the page says that the password is wrong`)
  return forms
}

/** Fills in whichever page this is. */
function submit(forms: Form[], choices: Choices, simulator: Simulator, url: URL): Request {
  const consent = forms.find((form) => form.buttons.some((button) => button.action === 'allow'))
  if (consent) return post(consent, url, decide(consent, choices))
  const typed = forms.find((form) => form.fields.some((field) => field.name === 'password'))
  if (typed && choices.password !== undefined) {
    const login = simulator.users[choices.user]?.login ?? choices.user
    return post(typed, url, [
      ['username', login],
      ['password', choices.password],
    ])
  }
  for (const form of forms) {
    const button = form.buttons.find((candidate) => candidate.user === choices.user)
    if (button) return post(form, url, [[button.name, button.value]])
  }
  throw new Error(`${simulator.id}: there is nobody called ${choices.user} to pick`)
}

function decide(form: Form, { grant, refuse = [], deny = false }: Choices): [string, string][] {
  const button = form.buttons.find((candidate) => candidate.action === (deny ? 'deny' : 'allow'))
  if (!button) throw new Error('the consent page has no such button')
  const ticked = form.fields
    .filter((field) => field.type === 'checkbox' && !field.disabled)
    .filter(
      (field) =>
        (grant ? grant.includes(field.value) : field.checked) && !refuse.includes(field.value),
    )
  return [
    ...ticked.map((field): [string, string] => [field.name, field.value]),
    [button.name, button.value],
  ]
}

function post(form: Form, url: URL, entered: [string, string][]): Request {
  const hidden = form.fields
    .filter((field) => field.type === 'hidden')
    .map((field): [string, string] => [field.name, field.value])
  return new Request(new URL(form.action, url), {
    method: 'POST',
    body: new URLSearchParams([...hidden, ...entered]),
  })
}

function keepCookies(cookies: CookieJar, origin: string, response: Response): void {
  const jar = cookies.get(origin) ?? new Map<string, string>()
  cookies.set(origin, jar)
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (/;\s*max-age=0/i.test(line)) jar.delete(name)
    else jar.set(name, value)
  }
}
