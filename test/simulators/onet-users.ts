import type { Person } from './simulator'

export interface OnetUser extends Person {
  sub: string
  email: string
  name: string
  surname: string
  /** As `1990-07-06`. */
  date_of_birth: string
  gender: 'male' | 'female'
}

export const onetUsers: Record<string, OnetUser> = {
  anna: {
    login: 'anna.nowak@konto.onet.pl',
    password: 'latarnia-anna',
    fullName: 'Anna Nowak',
    sub: '71c97af0-662f-4b7a-9236-93c688d15916',
    email: 'anna.nowak@konto.onet.pl',
    name: 'Anna',
    surname: 'Nowak',
    date_of_birth: '1990-07-06',
    gender: 'female',
  },
  marek: {
    login: 'marek@konto.onet.pl',
    password: 'latarnia-marek',
    fullName: 'Marek Zieliński',
    sub: '0b5f6a52-2b0a-4a57-8d0e-3f1f3b9f2f10',
    email: 'marek@konto.onet.pl',
    name: 'Marek',
    surname: 'Zieliński',
    date_of_birth: '1984-11-23',
    gender: 'male',
  },
}
