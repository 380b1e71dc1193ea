"""How the report looks: in light and in dark, 1,200 pixels wide and narrower, told apart without colour."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #55606a; --line: #d9dee3; --page: #fff; --card: #f6f8fa;
  --bar: #1f6fb2; --track: #e4e9ee }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a9b3bd; --line: #363d45; --page: #14171a;
  --card: #1c2126; --bar: #5aa9e0; --track: #2b323a } }
* { box-sizing: border-box } body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 0 auto; max-width: 1120px; padding: 24px } h1 { font-size: 24px; margin: 0 } p { margin: 4px 0 }
h2 { font-size: 18px; margin: 32px 0 8px } h3 { font-size: 14px; margin: 0 0 8px } .soft { color: var(--soft) }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0 }
.tiles, .pair { display: grid; gap: 16px; margin: 16px 0 }
.tiles { grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)) } .tiles b { display: block; font-size: 26px }
.pair { grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)) }
.three { display: grid; gap: 16px; margin: 16px 0; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)) }
.row { display: grid; grid-template-columns: minmax(5rem, 7rem) 1fr 4.5rem 4.5rem; gap: 10px;
  align-items: center; padding: 2px 0 }
.three .row { grid-template-columns: 5rem 1fr 4rem 3.2rem; gap: 6px } .name { overflow-wrap: anywhere }
.track, .gauge { background: var(--track); border-radius: 3px; display: block }
.track i, .gauge i { display: block; background: var(--bar); height: 14px; border-radius: 3px; min-width: 1px }
.gauge { position: relative; margin: 6px 0 24px } .gauge i { height: 20px }
.gauge b { position: absolute; top: 0; height: 26px; border-left: 2px solid var(--ink); padding: 20px 0 0 4px;
  font: 12px/1 system-ui, sans-serif; color: var(--soft) }
.gauge.over { outline: 3px double var(--ink); outline-offset: 1px }
svg { display: block; width: 100%; height: auto } svg text { fill: var(--soft); font: 11px system-ui, sans-serif }
svg .value { fill: var(--ink); paint-order: stroke; stroke: var(--card); stroke-width: 4px }
.grid { stroke: var(--line) } rect { fill: var(--bar) }
rect.last { stroke: var(--ink); stroke-width: 2 }
table { border-collapse: collapse; width: 100%; table-layout: fixed } td, th { text-align: left; vertical-align: top;
  padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere } th { color: var(--soft) }
th.n, td.n { text-align: right; padding-right: 0 } .w-time { width: 9.5rem } .w-what { width: 14rem }
.w-who { width: 7rem } .w-done { width: 7rem } .w-usd { width: 6rem } code { font-size: 13px }
"""
