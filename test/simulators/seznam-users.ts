import type { Person } from './simulator'

export interface SeznamUser extends Person {
  oauth_user_id: string
  account_name: string
  email: string | null
  firstname?: string
  lastname?: string
  advert_user_id: string
  contact_phone: string | null
  avatar_url: string
  adulthood: boolean
  /** ISO 8601. */
  birthday: string | null
  gender: 'Male' | 'Female' | 'Other' | null
}

export const seznamUsers: Record<string, SeznamUser> = {
  krasty: {
    login: 'krasty@seznam.cz',
    password: 'majak-krasty',
    fullName: 'Krasty Novák',
    oauth_user_id: '0123abcd4567ef89',
    account_name: 'krasty@seznam.cz',
    email: 'krasty@seznam.cz',
    firstname: 'Krasty',
    lastname: 'Novák',
    advert_user_id: 'a8f3d1e290b74c55',
    contact_phone: '+420601123456',
    avatar_url: 'https://d.example/avatar/0123abcd4567ef89',
    adulthood: true,
    birthday: '1988-02-29',
    gender: 'Male',
  },
  pavla: {
    login: 'pavla@email.cz',
    password: 'majak-pavla',
    fullName: 'Pavla',
    oauth_user_id: '89ef4567abcd0123',
    account_name: 'pavla@email.cz',
    email: null,
    firstname: 'Pavla',
    advert_user_id: '17c0aa9e4d2b4f80',
    contact_phone: null,
    avatar_url: 'https://d.example/avatar/89ef4567abcd0123',
    adulthood: false,
    birthday: null,
    gender: null,
  },
}
