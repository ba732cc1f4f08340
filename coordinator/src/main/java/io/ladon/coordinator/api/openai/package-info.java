/**
 * OpenAI's API on top of a {@link io.ladon.coordinator.generate.GenerationService}: JSON to prompt
 * tokens and sampling options on the way in, generated tokens to text and JSON on the way out.
 */
@NullMarked
package io.ladon.coordinator.api.openai;

import org.jspecify.annotations.NullMarked;
