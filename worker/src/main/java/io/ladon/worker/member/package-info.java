/** What a member of the cluster does when the coordinator asks: load, connect, run steps. */
@NullMarked
package io.ladon.worker.member;

import org.jspecify.annotations.NullMarked;
