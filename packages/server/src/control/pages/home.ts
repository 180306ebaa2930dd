/** The first page: what is deployed, live numbers, a form to try it. Plain, small, no network but this server. */
export const HOME_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Millwright</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/home.css">
</head>
<body>
<a class="skip" href="#main">Skip to deployments</a>
<header>
  <h1><img src="/assets/icon.svg" alt="" width="28" height="28"> Millwright</h1>
  <p id="server" class="muted" aria-live="polite">Connecting …</p>
  <nav aria-label="Links">
    <a href="/docs">API</a> <a href="/metrics">Metrics</a> <a href="/health">Health</a> <a href="/openapi.json">OpenAPI</a>
  </nav>
</header>
<main id="main">
  <section aria-labelledby="live-title">
    <h2 id="live-title">Now</h2>
    <dl id="live">
      <div><dt>Predictions a second</dt><dd id="rate">–</dd></div>
      <div><dt>Since start</dt><dd id="total">–</dd></div>
      <div><dt>Latency p50</dt><dd id="p50">–</dd></div>
      <div><dt>Latency p99</dt><dd id="p99">–</dd></div>
      <div><dt>Refused or failed</dt><dd id="errors">–</dd></div>
      <div><dt>Gateways</dt><dd id="gateways">–</dd></div>
    </dl>
  </section>
  <section aria-labelledby="deployments-title">
    <h2 id="deployments-title">Deployments</h2>
    <div id="deployments"><p class="muted">Loading …</p></div>
  </section>
  <section id="try" aria-labelledby="try-title" hidden>
    <h2 id="try-title">Try it</h2>
    <form id="form">
      <p><label for="which">Deployment</label> <select id="which"></select></p>
      <div id="fields"></div>
      <p><button type="submit">Predict</button></p>
    </form>
    <div id="answer" role="status" aria-live="polite"></div>
    <details><summary>The same with curl</summary><pre id="curl"></pre></details>
    <details><summary>What a reviewer would ask about this version</summary><ul id="review"></ul></details>
  </section>
</main>
<script src="/assets/home.js" type="module"></script>
</body>
</html>
`

export const ICON_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d5fd1"/><g fill="none" stroke="#fff" stroke-width="2.6"><circle cx="16" cy="16" r="5"/><path d="M16 4v5M16 23v5M4 16h5M23 16h5M7.5 7.5l3.6 3.6M20.9 20.9l3.6 3.6M24.5 7.5l-3.6 3.6M11.1 20.9l-3.6 3.6" stroke-linecap="round"/></g></svg>
`

export const HOME_CSS = `:root {
  --bg: #ffffff; --subtle: #f6f7f9; --fg: #14181f; --muted: #5b6470; --border: #e2e5ea; --strong: #868f9c;
  --accent: #1d5fd1; --on-accent: #ffffff; --ok: #036966; --crit: #7c1024;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #0f1216; --subtle: #171b21; --fg: #e8ebf0; --muted: #9aa4b2; --border: #262c35; --strong: #6b7685;
    --accent: #7db4ff; --on-accent: #0f1216; --ok: #4ad6cb; --crit: #cf616d;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 960px; padding: 0 16px 48px; background: var(--bg); color: var(--fg);
  font: 14px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; padding: 16px 0; border-bottom: 1px solid var(--border); }
h1 { display: flex; gap: 8px; align-items: center; margin: 0; font-size: 20px; }
h2 { margin: 32px 0 12px; font-size: 16px; }
header p { margin: 0; flex: 1 1 240px; }
nav { display: flex; gap: 4px; }
nav a { padding: 8px; }
a { color: var(--accent); }
.muted { color: var(--muted); }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 16px; top: 8px; background: var(--bg); padding: 8px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
dl#live { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 12px; margin: 0; }
dl#live div { padding: 12px; border: 1px solid var(--border); border-radius: 8px; background: var(--subtle); }
dt { color: var(--muted); }
dd { margin: 4px 0 0; font-size: 20px; font-weight: 600; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 8px 12px 8px 0; text-align: left; border-bottom: 1px solid var(--border); vertical-align: top; }
th { color: var(--muted); font-weight: 500; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 12px; border: 1px solid var(--border); border-radius: 8px; background: var(--subtle); }
#fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 12px; }
#fields label { display: block; margin-bottom: 4px; overflow-wrap: anywhere; }
input, select { width: 100%; min-height: 36px; padding: 4px 8px; border: 1px solid var(--strong); border-radius: 4px;
  background: var(--bg); color: var(--fg); font: inherit; }
#which { width: auto; min-width: 200px; }
button { min-height: 36px; padding: 4px 20px; border: 0; border-radius: 4px; background: var(--accent); color: var(--on-accent);
  font: inherit; font-weight: 600; cursor: pointer; }
.ok { color: var(--ok); } .crit { color: var(--crit); }
summary { min-height: 24px; cursor: pointer; }
`
