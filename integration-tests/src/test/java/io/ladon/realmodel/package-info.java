/** The real models: what they say against llama.cpp, and that they say it on any plan. */
@NullMarked
package io.ladon.realmodel;

import org.jspecify.annotations.NullMarked;
