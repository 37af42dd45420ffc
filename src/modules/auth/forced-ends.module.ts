import { Module } from '@nestjs/common';
import { ForcedEnds } from './forced-ends.js';

/** Apart from `AuthModule`, so that whoever holds connections hears of orders without its options. Needs `EndOrders`, `Clock`. */
@Module({ providers: [ForcedEnds], exports: [ForcedEnds] })
export class ForcedEndsModule {}
