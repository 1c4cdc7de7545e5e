import { takeArrival } from './arrival'

// A callback's code must be out of the URL before anything else is requested (RFC 10017 §7.2.1), so
// this entry stays tiny and the app, its styles included, is loaded behind it.
const arrival = takeArrival(location, history)

// All that is loaded on demand is named here: an `import()` elsewhere would share the bundler's
// loader with this entry, which would then have to fetch it first.
void import('./start').then(({ start }) =>
  start(arrival, { protocol: () => import('./client/browser/protocol') }),
)
