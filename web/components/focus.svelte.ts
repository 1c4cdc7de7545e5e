import { tick } from 'svelte'

/**
 * When what had the focus goes away with a change, such as the form after the sign-in, the focus
 * moves to the heading beside it and not to the top of the page.
 */
export function keepFocus(root: () => HTMLElement | undefined, change: () => unknown) {
  $effect.pre(() => {
    change()
    const element = root()
    if (!element?.contains(document.activeElement)) return
    void tick().then(() => {
      if (!element.contains(document.activeElement)) {
        element.querySelector<HTMLElement>('[data-heading]')?.focus({ preventScroll: true })
      }
    })
  })
}
