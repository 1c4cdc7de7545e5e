import { routeOf } from '../route'

/** Which page is shown. Links are links; this only spares the reload. */
export class Router {
  path = $state(location.pathname)
  route = $derived(routeOf(this.path))
  /** Whether the person has moved within the app, after which the focus follows the page. */
  moved = $state(false)

  listen() {
    addEventListener('popstate', () => {
      this.#show(location.pathname)
    })
    document.addEventListener('click', (event) => {
      const path = innerLink(event)
      if (path === null) return
      event.preventDefault()
      if (path !== this.path) history.pushState(null, '', path)
      this.#show(path)
      scrollTo(0, 0)
    })
  }

  /** Goes on to a page in place of this one, to which "back" must not lead. */
  replace(path: string) {
    history.replaceState(null, '', path)
    this.#show(path)
  }

  #show(path: string) {
    this.path = path
    this.moved = true
  }
}

/** The page that a plain click on a link of ours leads to; null where the browser should act. */
function innerLink(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0) return null
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (!link || link.target || link.hasAttribute('download')) return null
  const url = new URL(link.href, location.href)
  if (url.origin !== location.origin || url.hash || routeOf(url.pathname).page === 'missing') {
    return null
  }
  return url.pathname
}
