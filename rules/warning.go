package rules

// Warnings are what is right as it stands and may not be what was meant, by file, line and column. They keep no set from
// coming into force.
func (s *Set) Warnings() Problems { return s.warnings }

// warn notes a warning.
func (c *compiler) warn(s *source, at place, hint, format string, args ...any) {
	of := *s
	of.problems = &c.set.warnings
	of.fail(at, hint, format, args...)
}
