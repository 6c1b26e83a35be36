"""Tasks, five to twenty lines each: find the work, do it through a service, report. All may run twice.

A worker loads every module of this folder; a new file needs no registration.
"""
