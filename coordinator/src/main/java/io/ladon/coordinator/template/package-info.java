/** From a chat's messages to the prompt: the model's own template, in a subset of Jinja. */
@NullMarked
package io.ladon.coordinator.template;

import org.jspecify.annotations.NullMarked;
