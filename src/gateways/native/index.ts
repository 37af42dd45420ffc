export { Admission } from './admission.js';
export { Drain } from './drain.js';
export { ANY_FRAME, type GatewayOptions, NATIVE_PATH } from './gateway-options.js';
export { NativeConnections } from './native-connections.js';
export { NativeGatewayModule } from './native.module.js';
export { NativeSettings } from './native.settings.js';
export { useNativeWebsockets, WebSocketAdapter } from './websocket-adapter.js';
