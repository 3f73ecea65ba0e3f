"""What a pass shows, to take away: tables, figures for print, and pictures in plain text."""
