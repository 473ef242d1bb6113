"""MiniWoB++ (Liu et al. 2018; Farama Foundation): small web pages with a task each, shown as a device by Chromium."""
