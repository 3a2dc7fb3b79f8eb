package broker

// CommittedEndsWithin is CommittedEnds with a limit of one's own.
var CommittedEndsWithin = committedEnds
