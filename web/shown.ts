/** Resolves once the page is really shown: a browser may run it ahead of time (prerender). */
export async function shown(page: Document): Promise<void> {
  if (!('prerendering' in page) || page.prerendering !== true) return
  await new Promise((resolve) => {
    page.addEventListener('prerenderingchange', resolve, { once: true })
  })
}
