export { ALLSPARK_ROUTES, HttpGatewayModule } from './http.module.js';
export { HttpGatewayOptions, HttpSettings, PublicAddress } from './http.settings.js';
export { LimitedExpressAdapter, type ServerLimits } from './limited-express-adapter.js';
export { MetricsListener } from './metrics-listener.js';
export { ProblemFilter } from './problem.filter.js';
export { Readiness } from './readiness.js';
export { runAt } from './run-at.js';
export { RouteList, type Route } from './route-list.js';
