import type { OnesaitUser } from './onesait-users'
import { html, type Page } from './page'

/** An operations console: teal header, one dense table. */
const style = `
:root{--bg:#eef5f4;--card:#fff;--ink:#0c2b2b;--soft:#4b6c6b;--line:#c5dbd9;--accent:#006d6a;--focus:#b45f00}
@media(prefers-color-scheme:dark){:root{--bg:#071b1b;--card:#0e2828;--ink:#def3f1;--soft:#98bab7;--line:#244846;--accent:#58d6ce;--focus:#ffb45c}}
body{background:var(--bg);color:var(--ink);font:15px/1.5 "Segoe UI",Candara,"DejaVu Sans",sans-serif}
header{padding:1.4rem clamp(1rem,5vw,4rem);background:linear-gradient(90deg,#004c4a,#00807b);color:#fff;display:flex;gap:.9rem;align-items:center}
header i{width:2.2rem;height:2.2rem;border:.42rem solid #ffffffd9;border-right-color:transparent;border-radius:50%}
header b{font-weight:600;font-size:1.25rem}
main{padding:1.4rem clamp(1rem,5vw,4rem);max-width:62rem}
h1{font-weight:600;font-size:1.4rem;margin:0}
.sub{display:block;margin-bottom:1rem}
.up{display:inline-block;width:.7rem;height:.7rem;border-radius:50%;background:#17a34a;margin-right:.5rem}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px;margin-top:1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.6rem .9rem;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600;font-size:.85rem}tr:last-child td{border-bottom:0}
code{color:var(--accent);overflow-wrap:anywhere}
`

/** There are no human pages in the password grant; this one says whom a person can sign in as. */
export function statusPage(realm: string, users: Record<string, OnesaitUser>): Page {
  const rows = Object.entries(users).map(([name, user]) => {
    const state = !user.active ? 'desactivado' : user.realmRoles ? 'activo' : 'fuera del realm'
    return html`<tr>
      <td>${name}</td>
      <td><code>${user.password}</code></td>
      <td>${state}</td>
      <td>${user.fullName}</td>
      <td>${user.realmRoles?.join(', ') ?? '–'}</td>
    </tr>`
  })
  const body = html`<header><i aria-hidden="true"></i><b>onesait Platform</b></header>
    <main>
      <h1><span class="up" aria-hidden="true"></span>Servidor OAuth en marcha</h1>
      <span lang="en" class="sub"
        >The OAuth server is up. There is no login page: apps send the user name and password
        themselves.</span
      >
      <p>Realm <code>${realm}</code></p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Usuario</th>
              <th>Contraseña</th>
              <th>Estado</th>
              <th>Nombre</th>
              <th>Roles en el realm</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
    </main>`
  return { language: 'es', title: 'onesait Platform', style, body }
}
