import type { Person } from './simulator'

export interface OnesaitUser extends Person {
  mail: string
  /** Role in the platform. */
  role: string
  /** Roles in the realm; undefined: not in the realm at all. */
  realmRoles?: string[]
  active: boolean
  /** Counted up to the switch `wrongPasswordLimit`, then the user is deactivated. */
  wrongPasswords: number
}

export const onesaitUsers: Record<string, OnesaitUser> = {
  developer: {
    login: 'developer',
    password: 'faro-developer',
    fullName: 'Lucía Serrano',
    mail: 'lucia.serrano@minsait.example',
    role: 'ROLE_DEVELOPER',
    realmRoles: ['ROLE_TEST', 'ROLE_EDITOR'],
    active: true,
    wrongPasswords: 0,
  },
  analyst: {
    login: 'analyst',
    password: 'faro-analyst',
    fullName: 'Iker Etxeberria',
    mail: 'iker@minsait.example',
    role: 'ROLE_DATAVIEWER',
    realmRoles: ['ROLE_VIEWER'],
    active: true,
    wrongPasswords: 0,
  },
  retired: {
    login: 'retired',
    password: 'faro-retired',
    fullName: 'Carmen Ortiz',
    mail: 'carmen@minsait.example',
    role: 'ROLE_USER',
    realmRoles: ['ROLE_VIEWER'],
    active: false,
    wrongPasswords: 0,
  },
  outsider: {
    login: 'outsider',
    password: 'faro-outsider',
    fullName: 'Pau Vidal',
    mail: 'pau@minsait.example',
    role: 'ROLE_USER',
    active: true,
    wrongPasswords: 0,
  },
}
