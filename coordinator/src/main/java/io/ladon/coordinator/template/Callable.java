package io.ladon.coordinator.template;

import org.jspecify.annotations.Nullable;

/** What a template can call: a function, a macro, or a method of a value. */
@FunctionalInterface
interface Callable {

  @Nullable Object call(CallArguments arguments);
}
