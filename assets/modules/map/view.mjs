// Where the map looks, and names that are never cut by its edge.

import {NAMES} from "./style.mjs";

// The view is the user's: it is set once, and follows the window only while nobody has moved it.
// `place`: {zoom, lat, lon} of an address.
export function keepView(map, unit, place = null) {
  let bounds = null;
  let moved = place !== null;
  let fitting = false;
  if (place) map.jumpTo({center: [place.lon, place.lat], zoom: place.zoom});
  const fit = () => {
    if (!bounds || moved) return;
    const box = map.getContainer().getBoundingClientRect();
    const edge = Math.max(10, Math.min(unit() * 10, box.width / 20));
    fitting = true;
    map.fitBounds(bounds, {padding: {top: edge, right: edge, left: edge, bottom: edge * 2}, animate: false});
    fitting = false;
  };
  // A hand, a press of ours or a link: whatever is not the fitting itself.
  map.on("movestart", () => { moved ||= !fitting; });
  map.on("resize", fit);
  return {
    // To a place that somebody asked for.
    go(lon, lat, zoom = 13) {
      map.easeTo({center: [lon, lat], zoom: Math.max(map.getZoom(), zoom), duration: 400});
    },
    home(data) {
      if (bounds) return;
      bounds = boundsOf(data);
      fit();
    },
  };
}

export function boundsOf(data) {
  let box = [180, 90, -180, -90];
  const visit = (coordinates) => {
    if (typeof coordinates[0] !== "number") return coordinates.forEach(visit);
    const [lon, lat] = coordinates;
    box = [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)];
  };
  for (const feature of data.features) visit(feature.geometry.coordinates);
  return box[0] > box[2] ? null : box;
}

// A name that would be cut by the edge is left out.
export function keepNamesWhole(map, unit) {
  map.on("moveend", () => {
    const {clientWidth: width, clientHeight: height} = map.getContainer();
    const edge = Math.max(50, unit() * 45);
    const whole = map.querySourceFeatures(NAMES).filter(({geometry}) => {
      const {x, y} = map.project(geometry.coordinates);
      return x > edge && x < width - edge && y > 20 && y < height - 20;
    });
    map.setFilter("neighbour-labels", ["in", ["get", "code"], ["literal", whole.map(({properties}) => properties.code)]]);
  });
}

// A point in the middle of each feature's largest ring.
export function middles(data) {
  const features = data.features.filter((feature) => feature.properties.name).map((feature) => {
    const {type, coordinates} = feature.geometry;
    const rings = (type === "Polygon" ? [coordinates] : coordinates).map((polygon) => polygon[0]);
    return {type: "Feature", properties: feature.properties, geometry: {type: "Point", coordinates: centroid(rings.reduce((a, b) => (b.length > a.length ? b : a)))}};
  });
  return {type: "FeatureCollection", features};
}

function centroid(ring) {
  let [area, lon, lat] = [0, 0, 0];
  for (let i = 0; i + 1 < ring.length; i += 1) {
    const [[x1, y1], [x2, y2]] = [ring[i], ring[i + 1]];
    const cross = x1 * y2 - x2 * y1;
    area += cross;
    lon += (x1 + x2) * cross;
    lat += (y1 + y2) * cross;
  }
  return [lon / (3 * area), lat / (3 * area)];
}
