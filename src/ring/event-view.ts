import { inspect } from 'node:util';
import type { Place } from './fields.js';
import { checked, checkLive, copyFields, View, type ViewClass } from './view.js';

const CHECKED = checked;

/** The class that views of events with these fields begin with; accessors are added by `makeView`. */
export function eventView(places: readonly Place[]): ViewClass<View> {
  return class extends View {
    copy(): Record<string, unknown> {
      if (CHECKED) checkLive(this);
      return copyFields(this, places);
    }

    toJSON(): Record<string, unknown> {
      return this.copy();
    }

    [inspect.custom](): unknown {
      return this.$at < 0 ? 'an event after its step' : copyFields(this, places);
    }
  };
}
