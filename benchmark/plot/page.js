/* Draws what frame/plot.js wrote into the page. Runs in a browser, behind uPlot. */
(() => {
  /** Colours of a chart's sides, in order; each is told from its background, light or dark. */
  const COLOURS = [
    '#2f7ae5',
    '#e0662b',
    '#2a9d5c',
    '#b04fd0',
    '#c9a000',
    '#d6336c',
    '#0ea5b7',
    '#8a6d3b',
    '#7c83fd',
    '#6b9c1f',
    '#e57373',
    '#708090',
    '#00897b',
    '#a1887f',
  ];
  /** Ours are drawn through, what they are compared with is not. */
  const DASHES = { ours: [], peer: [8, 4], limit: [2, 3] };
  const BORDERS = { ours: 'solid', peer: 'dashed', limit: 'dotted' };
  const FONT = '12px system-ui, sans-serif';
  const CURVES_HEIGHT = 420;
  const BARS_HEIGHT = 340;
  /** Bars narrower than this have their figure written upwards. */
  const ROOM_FOR_FIGURE = 46;

  const data = JSON.parse(document.getElementById('data').textContent);
  const main = document.querySelector('main');
  const dark = matchMedia('(prefers-color-scheme: dark)');

  const colour = (at) => COLOURS[at % COLOURS.length];

  function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  }

  /** Three digits, and thousands by their letter. */
  function short(number) {
    const [divisor, letter] =
      number >= 1e9
        ? [1e9, ' G']
        : number >= 1e6
          ? [1e6, ' M']
          : number >= 1e4
            ? [1e3, ' k']
            : [1, ''];
    const scaled = Number((number / divisor).toPrecision(3));
    return `${scaled.toLocaleString('en-US')}${letter}`;
  }

  function ink(name) {
    // What light-dark() gives is known only where it is used.
    const probe = element('i', '', main);
    probe.style.color = `var(${name})`;
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  function axis(options) {
    return {
      stroke: ink('--ink'),
      font: FONT,
      labelFont: FONT,
      labelSize: 22,
      grid: { stroke: ink('--line'), width: 1 },
      ticks: { stroke: ink('--line'), width: 1 },
      ...options,
    };
  }

  /** 1 / (1 - p) as the percentile it stands for: 1000 is 99.9 %. */
  function percentile(turned) {
    const nines = Math.round(Math.log10(turned));
    return `${nines === 0 ? '0' : (100 - 100 / 10 ** nines).toFixed(Math.max(0, nines - 2))} %`;
  }

  const powersOfTen = (_, splits) =>
    splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));

  function drawCurves({ sides }, parent, width) {
    const tables = sides.map(({ curve }) => [
      curve.map(([quantile]) => Number((1 / (1 - quantile)).toPrecision(9))),
      curve.map(([, microseconds]) => microseconds),
    ]);
    const options = {
      width,
      height: CURVES_HEIGHT,
      scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
      axes: [
        axis({
          label: 'percentile of round trips',
          filter: powersOfTen,
          values: (_, splits) => splits.map((value) => (value === null ? '' : percentile(value))),
        }),
        axis({
          label: 'microseconds',
          size: 64,
          filter: powersOfTen,
          values: (_, splits) => splits.map((value) => (value === null ? '' : short(value))),
        }),
      ],
      legend: { markers: { width: 3, dash: (_, at) => BORDERS[sides[at - 1]?.role] } },
      series: [
        {
          label: 'percentile',
          value: (_, value) => (value == null ? '-' : `${(100 - 100 / value).toFixed(3)} %`),
        },
        ...sides.map(({ role, name }, at) => ({
          label: name,
          stroke: colour(at),
          width: role === 'ours' ? 2.5 : 1.5,
          dash: DASHES[role],
          points: { show: false },
          value: (_, value) => (value == null ? '-' : `${short(value)} us`),
        })),
      ],
    };
    return new uPlot(options, uPlot.join(tables), parent);
  }

  /** A place on the x axis a bar, a free one between groups, and where each group's middle is. */
  function places(groups) {
    const bars = [];
    const middles = [];
    let place = 0;
    for (const group of groups) {
      middles.push(place + (group.bars.length - 1) / 2);
      for (const bar of group.bars) {
        bars.push({ ...bar, place });
        place += 1;
      }
      place += 1;
    }
    return { bars, middles, end: place - 1 };
  }

  function drawBars({ unit, better, groups }, parent, width) {
    const { bars, middles, end } = places(groups);
    const names = [...new Set(bars.map(({ name }) => name))];
    const labels = groups.map((group) => group.case.replaceAll('/', '/\n'));
    const lines = Math.max(...labels.map((label) => label.split('\n').length));
    const highest = Math.max(...bars.map(({ max }) => max));
    const options = {
      width,
      height: BARS_HEIGHT + 16 * lines,
      cursor: { show: false },
      legend: { live: false },
      scales: {
        x: { time: false, range: [-0.75, end - 0.25] },
        y: { range: [0, highest === 0 ? 1 : highest * 1.2] },
      },
      axes: [
        axis({
          splits: () => middles,
          values: () => labels,
          grid: { show: false },
          ticks: { show: false },
          size: 14 + 16 * lines,
        }),
        axis({
          label: `${unit} (${better} is better)`,
          size: 64,
          values: (_, splits) => splits.map(short),
        }),
      ],
      series: [
        {},
        ...names.map((name, at) => ({
          label: name,
          stroke: colour(at),
          fill: colour(at),
          points: { show: false },
          paths: uPlot.paths.bars({ size: [0.86, 56] }),
        })),
      ],
      hooks: { draw: [(chart) => writeFigures(chart, bars)] },
    };
    const columns = names.map((name) => bars.map((bar) => (bar.name === name ? bar.median : null)));
    return new uPlot(options, [bars.map(({ place }) => place), ...columns], parent);
  }

  /** Over each bar its figure, and a line from the least to the greatest of its runs. */
  function writeFigures(chart, bars) {
    const { ctx } = chart;
    const ratio = uPlot.pxRatio;
    const step = Math.abs(chart.valToPos(1, 'x', true) - chart.valToPos(0, 'x', true));
    ctx.save();
    ctx.fillStyle = ink('--ink');
    ctx.strokeStyle = ink('--ink');
    ctx.lineWidth = ratio;
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    for (const { place, median, min, max } of bars) {
      const x = chart.valToPos(place, 'x', true);
      const [low, high] = [min, max].map((value) => chart.valToPos(value, 'y', true));
      ctx.beginPath();
      ctx.moveTo(x, low);
      ctx.lineTo(x, high);
      ctx.stroke();
      ctx.save();
      ctx.translate(x, high - 5 * ratio);
      if (step < ROOM_FOR_FIGURE * ratio) {
        ctx.rotate(-Math.PI / 2);
        ctx.textAlign = 'left';
        ctx.textBaseline = 'middle';
      } else {
        ctx.textAlign = 'center';
        ctx.textBaseline = 'bottom';
      }
      ctx.fillText(short(median), 0, 0);
      ctx.restore();
    }
    ctx.restore();
  }

  function draw() {
    main.replaceChildren();
    element('h1', 'Millrace benchmarks', main);
    element('code', data.command, element('p', '', main));
    const { processor, cores, system, node } = data.machine;
    element('p', `${processor}, ${cores} cores, ${system}, Node ${node}`, main);
    element('p', 'Ours are drawn through, peers dashed, limits dotted.', main);
    for (const chart of data.charts) {
      const section = document.createElement('section');
      main.append(section);
      element('h2', chart.title, section);
      const style = getComputedStyle(section);
      const width =
        section.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      (chart.kind === 'curves' ? drawCurves : drawBars)(chart, section, Math.floor(width));
    }
  }

  let redraw;
  addEventListener('resize', () => {
    clearTimeout(redraw);
    redraw = setTimeout(draw, 100);
  });
  dark.addEventListener('change', draw);
  draw();
})();
