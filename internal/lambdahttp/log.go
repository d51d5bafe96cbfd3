package lambdahttp

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLog returns the log of a function: one JSON object a line, with the names that
// Lambda's own JSON log format uses. level "" means INFO.
func NewLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("LOG_LEVEL %q is none of DEBUG, INFO, WARN, ERROR", level)
		}
	}
	names := map[string]string{slog.TimeKey: "timestamp", slog.MessageKey: "message"}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: l,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if name, ok := names[a.Key]; ok && len(groups) == 0 {
				a.Key = name
			}
			return a
		},
	})), nil
}
